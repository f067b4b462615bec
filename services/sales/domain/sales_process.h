// How deals are led: stages as data.
#pragma once

#include "rapport/sales/v1/sales_process.pb.h"
#include "services/runtime/base/decision.h"

namespace rapport::sales {

struct SalesProcessAggregate {
  using State = v1::SalesProcess;
  using Event = v1::SalesProcessEvent;

  // Stage ids are ids and appear once; probabilities are percentages.
  static absl::Status Check(const State& after);
};

}  // namespace rapport::sales
