#include "services/marketing/domain/campaign_membership.h"

#include "rapport/marketing/v1/refusal.pb.h"
#include "services/runtime/base/resource_name.h"

namespace rapport::marketing {

using v1::CampaignMembership;
using v1::CampaignMembershipEvent;
using v1::Refusal;

std::string CampaignMembershipAggregate::Id(const CampaignMembership& membership) {
  return std::string(IdOf(membership.campaign()));
}

absl::Status CampaignMembershipAggregate::Begin(CampaignMembership& created, const Context&) {
  created.set_state(CampaignMembership::ADDED);
  return absl::OkStatus();
}

Decision<CampaignMembershipEvent> CampaignMembershipAggregate::Decide(
    const CampaignMembership& state, const v1::RespondCampaignMembershipRequest& request,
    const Context&) {
  if (state.state() != CampaignMembership::ADDED && state.response() == request.response()) {
    return Nothing();
  }
  CampaignMembershipEvent event;
  event.mutable_responded()->set_response(request.response());
  return event;
}

Decision<CampaignMembershipEvent> CampaignMembershipAggregate::Decide(
    const CampaignMembership& state, const v1::ConvertCampaignMembershipRequest& request,
    const Context&) {
  if (state.state() == CampaignMembership::CONVERTED) {
    if (state.converted_order() == request.order()) return Nothing();
    return Refuse(Refusal::MEMBERSHIP_CONVERTED, state.name(),
                  "it is converted already; a membership converts once");
  }
  CampaignMembershipEvent event;
  event.mutable_converted()->set_order(request.order());
  return event;
}

void CampaignMembershipAggregate::Evolve(CampaignMembership& state,
                                         const CampaignMembershipEvent& event, const Facts& facts) {
  switch (event.event_case()) {
    case CampaignMembershipEvent::kResponded:
      if (state.state() == CampaignMembership::ADDED)
        state.set_state(CampaignMembership::RESPONDED);
      state.set_response(event.responded().response());
      *state.mutable_respond_time() = facts.occur_time;
      break;
    case CampaignMembershipEvent::kConverted:
      state.set_state(CampaignMembership::CONVERTED);
      state.set_converted_order(event.converted().order());
      *state.mutable_convert_time() = facts.occur_time;
      break;
    case CampaignMembershipEvent::kCreated:  // the runtime's
    case CampaignMembershipEvent::kUpdated:
    case CampaignMembershipEvent::kDeleted:
    case CampaignMembershipEvent::kUndeleted:
    case CampaignMembershipEvent::EVENT_NOT_SET:
      break;
  }
}

}  // namespace rapport::marketing
