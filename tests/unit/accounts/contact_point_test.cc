#include "services/accounts/domain/contact_point.h"

#include "tests/unit/spec.h"

namespace rapport::accounts {
namespace {

using spec::At;
using spec::Given;
using v1::ContactPoint;
using v1::ContactPointEvent;
using v1::Verification;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

v1::CreateContactPointRequest Add(const ContactPoint& point) {
  v1::CreateContactPointRequest request;
  *request.mutable_contact_point() = point;
  return request;
}
ContactPoint Phone(const std::string& number) {
  ContactPoint point;
  point.mutable_phone()->set_number(number);
  return point;
}
ContactPoint Dialled(const std::string& raw, const std::string& region) {
  ContactPoint point;
  point.mutable_phone()->set_raw(raw);
  point.mutable_phone()->set_region_code(region);
  return point;
}
ContactPoint Email(const std::string& email) {
  ContactPoint point;
  point.set_email(email);
  return point;
}
ContactPoint Handle(const std::string& network, const std::string& handle) {
  ContactPoint point;
  point.mutable_messaging_handle()->set_network(network);
  point.mutable_messaging_handle()->set_handle(handle);
  return point;
}
ContactPoint Post(const std::string& region, const std::string& line) {
  ContactPoint point;
  point.mutable_postal_address()->set_region_code(region);
  if (!line.empty()) point.mutable_postal_address()->add_address_lines(line);
  return point;
}

// The event of a point that was added as `point` and is kept in its normal form.
ContactPointEvent Added(ContactPoint point) {
  EXPECT_TRUE(ContactPointAggregate::Normalise(nullptr, point).ok());
  ContactPointEvent event;
  *event.mutable_created()->mutable_contact_point() = point;
  return event;
}
ContactPointEvent Verified(Verification::Method method) {
  ContactPointEvent event;
  event.mutable_verified()->set_method(method);
  return event;
}
ContactPointEvent Preferred() {
  ContactPointEvent event;
  event.mutable_preferred();
  return event;
}
v1::VerifyContactPointRequest Verify(Verification::Method method) {
  v1::VerifyContactPointRequest request;
  request.set_method(method);
  return request;
}
v1::UpdateContactPointRequest Change(const ContactPoint& point) {
  v1::UpdateContactPointRequest request;
  *request.mutable_contact_point() = point;
  return request;
}

ContactPoint Reached(const std::string& zone) {
  ContactPoint point = Phone("+4930901820");
  point.mutable_preferred_hours()->set_time_zone(zone);
  return point;
}
google::type::TimeOfDay Clock(int hours, int minutes = 0) {
  google::type::TimeOfDay time;
  time.set_hours(hours);
  time.set_minutes(minutes);
  return time;
}
void AddHours(ContactPoint& point, google::type::DayOfWeek day,
              const google::type::TimeOfDay& start, const google::type::TimeOfDay& end) {
  auto* hours = point.mutable_preferred_hours()->add_hours();
  hours->set_day_of_week(day);
  *hours->mutable_start() = start;
  *hours->mutable_end() = end;
}

TEST(PreferredHours, AreOfAWeekInATimeZone) {
  ContactPoint point = Reached("America/Argentina/Buenos_Aires");
  AddHours(point, google::type::MONDAY, Clock(9, 30), Clock(12));
  AddHours(point, google::type::MONDAY, Clock(12), Clock(24));
  AddHours(point, google::type::TUESDAY, Clock(0), Clock(24));
  EXPECT_EQ(
      Given<ContactPointAggregate>().When(Add(point)).ThenState().preferred_hours().hours_size(),
      3);
  ContactPoint other;
  *other.mutable_preferred_hours() = Reached("Asia/Shanghai").preferred_hours();
  AddHours(other, google::type::SUNDAY, Clock(9), Clock(10));
  const ContactPoint changed =
      Given<ContactPointAggregate>(Added(point)).When(Change(other)).ThenState();
  EXPECT_EQ(changed.preferred_hours().time_zone(), "Asia/Shanghai");
  EXPECT_EQ(changed.lookup_key(), "+4930901820");
}

TEST(PreferredHours, NeedATimeZoneThatThereIs) {
  for (const char* zone : {"Berlin", "Europe", "CEST+0200", "localtime", "/etc/localtime",
                           "../zoneinfo/UTC", "file:UTC", "Europe/Berlin "}) {
    ContactPoint point = Reached(zone);
    AddHours(point, google::type::MONDAY, Clock(9), Clock(12));
    Given<ContactPointAggregate>()
        .When(Add(point))
        .ThenFails(kInvalid, "contact_point.preferred_hours.time_zone");
  }
}

TEST(PreferredHours, AreWholeAfterAnUpdateOfAPart) {
  v1::UpdateContactPointRequest request = Change(Reached("Europe/Berlin"));
  request.mutable_update_mask()->add_paths("preferred_hours.time_zone");
  Given<ContactPointAggregate>(Added(Phone("+4930901820")))
      .When(request)
      .ThenFails(kInvalid, "contact_point.preferred_hours.hours");
}

TEST(PreferredHours, DoNotOverlapNorGoOverMidnight) {
  ContactPoint point = Reached("Europe/Berlin");
  AddHours(point, google::type::MONDAY, Clock(9), Clock(12));
  ContactPoint backwards = point;
  AddHours(backwards, google::type::MONDAY, Clock(22), Clock(2));
  Given<ContactPointAggregate>()
      .When(Add(backwards))
      .ThenFails(kInvalid, "contact_point.preferred_hours.hours[1].end");
  for (const auto& [start, end] : {std::pair(Clock(11, 59), Clock(13)),
                                   {Clock(8), Clock(9, 1)},
                                   {Clock(10), Clock(11)},
                                   {Clock(8), Clock(13)}}) {
    ContactPoint overlapping = point;
    AddHours(overlapping, google::type::MONDAY, start, end);
    Given<ContactPointAggregate>()
        .When(Add(overlapping))
        .ThenFails(kInvalid, "contact_point.preferred_hours.hours[1]");
  }
}

TEST(AddContactPoint, KeepsAPhoneAsE164) {
  const auto point =
      Given<ContactPointAggregate>().When(Add(Dialled("030 / 90 18 20 ext 7", "de"))).ThenState();
  EXPECT_EQ(point.phone().number(), "+4930901820");
  EXPECT_EQ(point.phone().extension(), "7");
  EXPECT_EQ(point.phone().raw(), "");
  EXPECT_EQ(point.phone().region_code(), "");
  EXPECT_EQ(point.lookup_key(), "+4930901820");
}

TEST(AddContactPoint, KeepsAnEmailAsWrittenAndFindsItRegardlessOfCase) {
  const auto point =
      Given<ContactPointAggregate>().When(Add(Email(" Ada@Example.COM "))).ThenState();
  EXPECT_EQ(point.email(), "Ada@example.com");
  EXPECT_EQ(point.lookup_key(), "ada@example.com");
}

TEST(AddContactPoint, KeepsAHandleWithItsNetwork) {
  const auto point =
      Given<ContactPointAggregate>().When(Add(Handle("WhatsApp", " Ada"))).ThenState();
  EXPECT_EQ(point.messaging_handle().network(), "whatsapp");
  EXPECT_EQ(point.lookup_key(), "whatsapp:ada");
}

TEST(AddContactPoint, SaysWhichFieldIsWrong) {
  ContactPoint twice = Dialled("030 901820", "DE");
  twice.mutable_phone()->set_number("+4930901820");
  ContactPoint extended = Phone("+4930901820");
  extended.mutable_phone()->set_extension("seven");
  const std::pair<ContactPoint, std::string> kWrong[] = {
      {ContactPoint(), "contact_point"},
      {twice, "contact_point.phone"},
      {Phone(""), "contact_point.phone"},
      {extended, "contact_point.phone.extension"},
      {Phone("+49 1"), "contact_point.phone.number"},
      {Dialled("030 901820", ""), "contact_point.phone.raw"},
      {Email("ada"), "contact_point.email"},
      {Handle("what's app", "ada"), "contact_point.messaging_handle.network"},
      {Handle("whatsapp", " "), "contact_point.messaging_handle.handle"},
      {Post("D", "Unter den Linden 1"), "contact_point.postal_address.region_code"},
      {Post("DE", ""), "contact_point.postal_address"}};
  for (const auto& [point, field] : kWrong) {
    Given<ContactPointAggregate>().When(Add(point)).ThenFails(kInvalid, field);
  }
}

// The event says what is kept, also in the fields that nobody named.
TEST(ChangeContactPoint, WritesTheNormalFormIntoTheEvent) {
  ContactPointEvent changed;
  changed.mutable_updated()->mutable_contact_point()->mutable_phone()->set_number("+14155552671");
  changed.mutable_updated()->mutable_contact_point()->set_lookup_key("+14155552671");
  changed.mutable_updated()->mutable_update_mask()->add_paths("lookup_key");
  changed.mutable_updated()->mutable_update_mask()->add_paths("phone");
  const auto point = Given<ContactPointAggregate>(Added(Phone("+4930901820")))
                         .When(Change(Dialled("(415) 555-2671", "US")))
                         .Then(changed);
  EXPECT_EQ(point.lookup_key(), "+14155552671");
}

TEST(ChangeContactPoint, IsNothingWhereOnlyTheSpellingDiffers) {
  Given<ContactPointAggregate>(Added(Phone("+4930901820")))
      .When(Change(Dialled("030 901820", "DE")))
      .ThenNothing();
}

TEST(ChangeContactPoint, TakesTheVerificationFromAnotherAddressOnly) {
  ContactPoint named = Dialled("030 901820", "DE");
  named.set_display_name("office");
  const auto after = [](const ContactPoint& before, const ContactPoint& change) {
    return Given<ContactPointAggregate>(Added(before), Verified(Verification::CODE))
        .When(Change(change))
        .ThenState();
  };
  EXPECT_TRUE(after(Phone("+4930901820"), named).has_verification());
  EXPECT_FALSE(after(Phone("+4930901820"), Email("ada@example.com")).has_verification());
  EXPECT_FALSE(
      after(Post("DE", "Unter den Linden 1"), Post("DE", "Unter den Linden 2")).has_verification());
}

TEST(VerifyContactPoint, KeepsHowAndWhen) {
  const auto point = Given<ContactPointAggregate>(Added(Phone("+4930901820")))
                         .When(Verify(Verification::CODE))
                         .Then(Verified(Verification::CODE));
  EXPECT_EQ(point.verification().method(), Verification::CODE);
  EXPECT_EQ(point.verification().verify_time().seconds(), At(1'000).seconds());
}

TEST(VerifyContactPoint, AgainIsNothingUnlessLaterOrInAnotherWay) {
  ContactPointEvent verified = Verified(Verification::CODE);
  Given<ContactPointAggregate>(Added(Phone("+4930901820")), verified)
      .When(Verify(Verification::CODE))
      .Then(verified);
  Given<ContactPointAggregate>(Added(Phone("+4930901820")), verified)
      .When(Verify(Verification::CONTACT))
      .Then(Verified(Verification::CONTACT));
  ContactPoint state = Phone("+4930901820");
  state.mutable_verification()->set_method(Verification::CODE);
  *state.mutable_verification()->mutable_verify_time() = At(1'000);
  const auto again =
      ContactPointAggregate::Decide(state, Verify(Verification::CODE), {.occur_time = At(1'000)});
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->has_value());
}

TEST(PreferContactPoint, MovesTheTimeForwardOnly) {
  const auto point = Given<ContactPointAggregate>(Added(Phone("+4930901820")), Preferred())
                         .When(v1::PreferContactPointRequest())
                         .Then(Preferred());
  EXPECT_EQ(point.prefer_time().seconds(), At(1'000).seconds());
  const auto earlier = ContactPointAggregate::Decide(point, v1::PreferContactPointRequest(),
                                                     {.occur_time = At(999)});
  ASSERT_TRUE(earlier.ok());
  EXPECT_FALSE(earlier->has_value());
}

}  // namespace
}  // namespace rapport::accounts
