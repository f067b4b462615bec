#include "services/accounts/domain/relationship.h"

#include "services/runtime/base/date.h"
#include "services/runtime/base/resource_name.h"

namespace rapport::accounts {

absl::Status RelationshipAggregate::Check(const v1::Relationship& after) {
  if (after.object() == RootOf(after.name())) {
    return InvalidField("relationship.object", "is the subject itself; name another customer");
  }
  if (after.has_from_date() && after.has_to_date() &&
      IsBefore(after.to_date(), after.from_date())) {
    return InvalidField("relationship.to_date", "must not be before from_date");
  }
  return absl::OkStatus();
}

}  // namespace rapport::accounts
