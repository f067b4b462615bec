// What somebody of the enterprise is to do with a customer.
//
//   OPEN -> COMPLETED or CANCELLED, and back to OPEN by reopening.
#pragma once

#include "rapport/sales/v1/activity.pb.h"
#include "services/runtime/base/decision.h"

namespace rapport::sales {

struct ActivityAggregate {
  using State = v1::Activity;
  using Event = v1::ActivityEvent;
  using Commands = Types<v1::AssignActivityRequest, v1::CompleteActivityRequest,
                         v1::CancelActivityRequest, v1::ReopenActivityRequest>;

  static absl::Status Begin(State& created, const Context& context);

  static Decision<Event> Decide(const State& state, const v1::AssignActivityRequest& request,
                                const Context& context);
  static Decision<Event> Decide(const State& state, const v1::CompleteActivityRequest& request,
                                const Context& context);
  static Decision<Event> Decide(const State& state, const v1::CancelActivityRequest& request,
                                const Context& context);
  static Decision<Event> Decide(const State& state, const v1::ReopenActivityRequest& request,
                                const Context& context);

  static void Evolve(State& state, const Event& event, const Facts& facts);
};

}  // namespace rapport::sales
