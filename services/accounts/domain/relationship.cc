#include "services/accounts/domain/relationship.h"

#include <tuple>

#include "services/runtime/base/resource_name.h"

namespace rapport::accounts {

absl::Status RelationshipAggregate::Check(const v1::Relationship& after) {
  if (after.object() == RootOf(after.name())) {
    return InvalidField("relationship.object", "is the subject itself; name another customer");
  }
  const auto order = [](const google::type::Date& date) {
    return std::tuple(date.year(), date.month(), date.day());
  };
  if (after.has_from_date() && after.has_to_date() &&
      order(after.to_date()) < order(after.from_date())) {
    return InvalidField("relationship.to_date", "must not be before from_date");
  }
  return absl::OkStatus();
}

}  // namespace rapport::accounts
