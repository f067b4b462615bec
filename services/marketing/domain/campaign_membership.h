// One customer in one campaign: added, then perhaps responded, then perhaps converted.
#pragma once

#include "rapport/marketing/v1/campaign_membership.pb.h"
#include "services/runtime/base/decision.h"

namespace rapport::marketing {

struct CampaignMembershipAggregate {
  using State = v1::CampaignMembership;
  using Event = v1::CampaignMembershipEvent;
  using Commands =
      Types<v1::RespondCampaignMembershipRequest, v1::ConvertCampaignMembershipRequest>;

  // A customer is in a campaign once: the membership is named after it.
  static std::string Id(const State& membership);
  static absl::Status Begin(State& created, const Context& context);

  static Decision<Event> Decide(const State& state,
                                const v1::RespondCampaignMembershipRequest& request,
                                const Context& context);
  static Decision<Event> Decide(const State& state,
                                const v1::ConvertCampaignMembershipRequest& request,
                                const Context& context);

  static void Evolve(State& state, const Event& event, const Facts& facts);
};

}  // namespace rapport::marketing
