#include "services/accounts/domain/customer.h"

#include "rapport/accounts/v1/refusal.pb.h"

namespace rapport::accounts {
namespace {

using v1::Customer;
using v1::CustomerEvent;
using v1::Refusal;

absl::Status NotEstablished(const Customer& state) {
  return Refuse(Refusal::CUSTOMER_NOT_ESTABLISHED, state.name(),
                "the relationship has not begun; establish it first");
}

absl::Status Broken(const Customer& state) {
  return Refuse(Refusal::CUSTOMER_BROKEN, state.name(),
                "the relationship is broken; win it back first");
}

void Reach(Customer& state, Customer::Stage stage, const std::string& reason, const Facts& facts) {
  state.set_stage(stage);
  state.set_stage_reason(reason);
  *state.mutable_stage_time() = facts.occur_time;
}

}  // namespace

Decision<CustomerEvent> CustomerAggregate::Decide(const Customer& state,
                                                  const v1::EstablishCustomerRequest& request,
                                                  const Context&) {
  if (state.stage() == Customer::ESTABLISHED) return Nothing();
  if (state.stage() == Customer::BROKEN) return Broken(state);
  if (state.stage() != Customer::STAGE_UNSPECIFIED) {
    return Refuse(Refusal::CUSTOMER_ESTABLISHED, state.name(),
                  "the relationship began before; develop, maintain or break it");
  }
  CustomerEvent event;
  event.mutable_established()->set_reason(request.reason());
  return event;
}

Decision<CustomerEvent> CustomerAggregate::Decide(const Customer& state,
                                                  const v1::DevelopCustomerRequest& request,
                                                  const Context&) {
  if (state.stage() == Customer::DEVELOPED) return Nothing();
  if (state.stage() == Customer::STAGE_UNSPECIFIED) return NotEstablished(state);
  if (state.stage() == Customer::BROKEN) return Broken(state);
  CustomerEvent event;
  event.mutable_developed()->set_reason(request.reason());
  return event;
}

Decision<CustomerEvent> CustomerAggregate::Decide(const Customer& state,
                                                  const v1::MaintainCustomerRequest& request,
                                                  const Context&) {
  if (state.stage() == Customer::MAINTAINED) return Nothing();
  if (state.stage() == Customer::STAGE_UNSPECIFIED) return NotEstablished(state);
  if (state.stage() == Customer::BROKEN) return Broken(state);
  if (state.stage() == Customer::ESTABLISHED) {
    return Refuse(Refusal::CUSTOMER_NOT_DEVELOPED, state.name(),
                  "the relationship is only established; develop it first");
  }
  CustomerEvent event;
  event.mutable_maintained()->set_reason(request.reason());
  return event;
}

Decision<CustomerEvent> CustomerAggregate::Decide(const Customer& state,
                                                  const v1::BreakCustomerRequest& request,
                                                  const Context&) {
  if (state.stage() == Customer::BROKEN) return Nothing();
  if (state.stage() == Customer::STAGE_UNSPECIFIED) return NotEstablished(state);
  CustomerEvent event;
  event.mutable_broken()->set_reason(request.reason());
  return event;
}

Decision<CustomerEvent> CustomerAggregate::Decide(const Customer& state,
                                                  const v1::WinBackCustomerRequest& request,
                                                  const Context&) {
  if (state.stage() == Customer::WON_BACK) return Nothing();
  if (state.stage() == Customer::STAGE_UNSPECIFIED) return NotEstablished(state);
  if (state.stage() != Customer::BROKEN) {
    return Refuse(Refusal::CUSTOMER_NOT_BROKEN, state.name(),
                  "the relationship is not broken; only who was lost is won back");
  }
  CustomerEvent event;
  event.mutable_won_back()->set_reason(request.reason());
  return event;
}

void CustomerAggregate::Evolve(Customer& state, const CustomerEvent& event, const Facts& facts) {
  switch (event.event_case()) {
    case CustomerEvent::kEstablished:
      Reach(state, Customer::ESTABLISHED, event.established().reason(), facts);
      break;
    case CustomerEvent::kDeveloped:
      Reach(state, Customer::DEVELOPED, event.developed().reason(), facts);
      break;
    case CustomerEvent::kMaintained:
      Reach(state, Customer::MAINTAINED, event.maintained().reason(), facts);
      break;
    case CustomerEvent::kBroken:
      Reach(state, Customer::BROKEN, event.broken().reason(), facts);
      break;
    case CustomerEvent::kWonBack:
      Reach(state, Customer::WON_BACK, event.won_back().reason(), facts);
      break;
    case CustomerEvent::kCreated:  // the runtime's
    case CustomerEvent::kUpdated:
    case CustomerEvent::kDeleted:
    case CustomerEvent::kUndeleted:
    case CustomerEvent::EVENT_NOT_SET:
      break;
  }
}

}  // namespace rapport::accounts
