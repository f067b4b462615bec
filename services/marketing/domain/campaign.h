// What customers are offered together.
#pragma once

#include "rapport/marketing/v1/campaign.pb.h"
#include "services/runtime/base/decision.h"

namespace rapport::marketing {

struct CampaignAggregate {
  using State = v1::Campaign;
  using Event = v1::CampaignEvent;

  // A campaign does not end before it starts.
  static absl::Status Check(const State& after);
};

}  // namespace rapport::marketing
