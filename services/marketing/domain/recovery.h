// A valuable customer's complaint that was noticed.
#pragma once

#include "rapport/marketing/v1/recovery.pb.h"
#include "services/runtime/base/decision.h"

namespace rapport::marketing {

struct RecoveryAggregate {
  using State = v1::Recovery;
  using Event = v1::RecoveryEvent;

  // A case has one recovery: it is named after it.
  static std::string Id(const State& recovery);
  // The case is one of this customer's.
  static absl::Status Begin(State& created, const Context& context);
};

}  // namespace rapport::marketing
