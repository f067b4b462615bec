#include "services/marketing/domain/recovery.h"

#include "services/runtime/base/resource_name.h"

namespace rapport::marketing {

std::string RecoveryAggregate::Id(const v1::Recovery& recovery) {
  return std::string(IdOf(recovery.case_()));
}

absl::Status RecoveryAggregate::Begin(v1::Recovery& created, const Context& context) {
  const std::string cases = absl::StrCat(RootOf(context.name), "/cases");
  if (ParentOf(created.case_()) == RootOf(context.name) &&
      CollectionOf(created.case_()) == "cases") {
    return absl::OkStatus();
  }
  return InvalidField("recovery.case", absl::StrCat("must be one of ", cases));
}

}  // namespace rapport::marketing
