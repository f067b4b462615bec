// Which customer another system's id means. A pair of system and id is decided in one place, under
// a name that follows from it, and names its customer at once: whoever meets it, before or after
// that customer is there, goes on with the same one.
#pragma once

#include "rapport/accounts/v1/external_id.pb.h"
#include "services/runtime/base/decision.h"

namespace rapport::accounts {

// "externalIds/…", the same for equal keys. Ids are taken as they are: "A1" is not "a1".
std::string ExternalIdName(const v1::ExternalKey& key);

// INVALID_ARGUMENT naming a field of the key below `field`.
absl::Status CheckKey(const v1::ExternalKey& key, absl::string_view field);

struct ExternalIdAggregate {
  using State = v1::ExternalId;
  using Event = v1::ExternalIdEvent;

  static std::string Id(const State& link);
  // Names the customer where the caller does not.
  static absl::Status Begin(State& created, const Context& context);
  static absl::Status Check(const State& after);
};

}  // namespace rapport::accounts
