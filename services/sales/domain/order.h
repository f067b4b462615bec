// What a customer bought: placed once with its lines, then fulfilled or cancelled. What was
// fulfilled may come back, line by line.
#pragma once

#include "rapport/sales/v1/order.pb.h"
#include "services/runtime/base/decision.h"

namespace rapport::sales {

struct OrderAggregate {
  using State = v1::Order;
  using Event = v1::OrderEvent;
  using Commands = Types<v1::FulfillOrderRequest, v1::CancelOrderRequest, v1::ReturnOrderRequest>;

  // Decides the total: the sum of the lines' amounts, which share one currency. Negative
  // quantities are refused, negative amounts are not: till data has corrections. Decides the margin
  // of each line that says its cost, and the order's where all do.
  static absl::Status Begin(State& created, const Context& context);

  static Decision<Event> Decide(const State& state, const v1::FulfillOrderRequest& request,
                                const Context& context);
  static Decision<Event> Decide(const State& state, const v1::CancelOrderRequest& request,
                                const Context& context);
  // Never more than was bought, nor more refunded than was paid, over all returns of a line.
  static Decision<Event> Decide(const State& state, const v1::ReturnOrderRequest& request,
                                const Context& context);

  static void Evolve(State& state, const Event& event, const Facts& facts);
};

}  // namespace rapport::sales
