// One touch between the enterprise and a customer.
#pragma once

#include "rapport/service/v1/interaction.pb.h"
#include "services/runtime/base/decision.h"

namespace rapport::service {

struct InteractionAggregate {
  using State = v1::Interaction;
  using Event = v1::InteractionEvent;

  // Sentiment lies between -1 and 1.
  static absl::Status Check(const State& after);
};

}  // namespace rapport::service
