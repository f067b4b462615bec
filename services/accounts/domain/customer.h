// Who the customer is, and how far the relationship with it has come.
//
//   (none) -> ESTABLISHED -> DEVELOPED <-> MAINTAINED, each of them -> BROKEN -> WON_BACK,
//   and from there on as from ESTABLISHED; who was won back is maintained at once where it is
//   known.
#pragma once

#include "rapport/accounts/v1/customer.pb.h"
#include "services/runtime/base/decision.h"

namespace rapport::accounts {

struct CustomerAggregate {
  using State = v1::Customer;
  using Event = v1::CustomerEvent;
  using Commands =
      Types<v1::EstablishCustomerRequest, v1::DevelopCustomerRequest, v1::MaintainCustomerRequest,
            v1::BreakCustomerRequest, v1::WinBackCustomerRequest>;

  static Decision<Event> Decide(const State& state, const v1::EstablishCustomerRequest& request,
                                const Context& context);
  static Decision<Event> Decide(const State& state, const v1::DevelopCustomerRequest& request,
                                const Context& context);
  static Decision<Event> Decide(const State& state, const v1::MaintainCustomerRequest& request,
                                const Context& context);
  static Decision<Event> Decide(const State& state, const v1::BreakCustomerRequest& request,
                                const Context& context);
  static Decision<Event> Decide(const State& state, const v1::WinBackCustomerRequest& request,
                                const Context& context);

  static void Evolve(State& state, const Event& event, const Facts& facts);
};

}  // namespace rapport::accounts
