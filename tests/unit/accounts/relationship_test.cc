#include "services/accounts/domain/relationship.h"

#include "tests/unit/spec.h"

namespace rapport::accounts {
namespace {

using google::type::Date;
using spec::Given;
using v1::Relationship;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

Date On(int year, int month, int day) {
  Date date;
  date.set_year(year);
  date.set_month(month);
  date.set_day(day);
  return date;
}
v1::CreateRelationshipRequest Relate(const std::string& object) {
  v1::CreateRelationshipRequest request;
  request.mutable_relationship()->set_type(Relationship::WORKS_FOR);
  request.mutable_relationship()->set_object(object);
  return request;
}
v1::RelationshipEvent Related(const Date& from) {
  v1::RelationshipEvent event;
  *event.mutable_created()->mutable_relationship() = Relate("customers/acme").relationship();
  *event.mutable_created()->mutable_relationship()->mutable_from_date() = from;
  return event;
}

TEST(RelateCustomers, TakesOpenDates) {
  Given<RelationshipAggregate>().When(Relate("customers/acme")).ThenState();
  v1::CreateRelationshipRequest request = Relate("customers/acme");
  *request.mutable_relationship()->mutable_to_date() = On(2026, 3, 1);
  Given<RelationshipAggregate>().When(request).ThenState();
}

TEST(RelateCustomers, RelatesNobodyToThemselves) {
  Given<RelationshipAggregate>()
      .When(Relate("customers/ada"))
      .ThenFails(kInvalid, "relationship.object");
}

TEST(EndRelationship, MayEndOnTheDayItBegins) {
  v1::UpdateRelationshipRequest request;
  *request.mutable_relationship()->mutable_to_date() = On(2026, 3, 1);
  Given<RelationshipAggregate>(Related(On(2026, 3, 1))).When(request).ThenState();
}

TEST(EndRelationship, DoesNotEndBeforeItBegins) {
  v1::UpdateRelationshipRequest request;
  *request.mutable_relationship()->mutable_to_date() = On(2026, 2, 28);
  Given<RelationshipAggregate>(Related(On(2026, 3, 1)))
      .When(request)
      .ThenFails(kInvalid, "relationship.to_date");
}

// Another end or another kind is another relationship.
TEST(ChangeRelationship, KeepsItsTypeAndObject) {
  v1::UpdateRelationshipRequest request;
  request.mutable_relationship()->set_object("customers/other");
  Given<RelationshipAggregate>(Related(On(2026, 3, 1)))
      .When(request)
      .ThenFails(kInvalid, "relationship.object");
  request.mutable_relationship()->clear_object();
  request.mutable_relationship()->set_type(Relationship::DEALER_OF);
  Given<RelationshipAggregate>(Related(On(2026, 3, 1)))
      .When(request)
      .ThenFails(kInvalid, "relationship.type");
}

}  // namespace
}  // namespace rapport::accounts
