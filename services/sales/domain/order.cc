#include "services/sales/domain/order.h"

#include "absl/strings/match.h"
#include "rapport/sales/v1/refusal.pb.h"
#include "services/runtime/base/money.h"

namespace rapport::sales {

using v1::Order;
using v1::OrderEvent;
using v1::Refusal;

absl::Status OrderAggregate::Begin(Order& created, const Context&) {
  google::type::Money total;
  for (int i = 0; i < created.lines_size(); ++i) {
    const auto& line = created.lines(i);
    const std::string field = absl::StrCat("order.lines[", i, "]");
    if (absl::StartsWith(line.quantity().value(), "-")) {
      return InvalidField(absl::StrCat(field, ".quantity"), "must not be negative");
    }
    if (i == 0) {
      total = line.amount();
      continue;
    }
    const absl::StatusOr<google::type::Money> sum = AddMoney(total, line.amount());
    if (!sum.ok()) return InvalidField(absl::StrCat(field, ".amount"), sum.status().message());
    total = *sum;
  }
  *created.mutable_total() = total;
  created.set_state(Order::PLACED);
  return absl::OkStatus();
}

Decision<OrderEvent> OrderAggregate::Decide(const Order& state, const v1::FulfillOrderRequest&,
                                            const Context&) {
  if (state.state() == Order::FULFILLED) return Nothing();
  if (state.state() == Order::CANCELLED) {
    return Refuse(Refusal::ORDER_CANCELLED, state.name(), "it was cancelled; place a new order");
  }
  OrderEvent event;
  event.mutable_fulfilled();
  return event;
}

Decision<OrderEvent> OrderAggregate::Decide(const Order& state,
                                            const v1::CancelOrderRequest& request, const Context&) {
  if (state.state() == Order::CANCELLED) return Nothing();
  if (state.state() == Order::FULFILLED) {
    return Refuse(Refusal::ORDER_FULFILLED, state.name(),
                  "it was fulfilled and cannot be cancelled any more");
  }
  OrderEvent event;
  event.mutable_cancelled()->set_reason(request.reason());
  return event;
}

void OrderAggregate::Evolve(Order& state, const OrderEvent& event, const Facts& facts) {
  switch (event.event_case()) {
    case OrderEvent::kFulfilled:
      state.set_state(Order::FULFILLED);
      *state.mutable_fulfill_time() = facts.occur_time;
      break;
    case OrderEvent::kCancelled:
      state.set_state(Order::CANCELLED);
      *state.mutable_cancel_time() = facts.occur_time;
      state.set_cancel_reason(event.cancelled().reason());
      break;
    case OrderEvent::kCreated:  // the runtime's
    case OrderEvent::kUpdated:
    case OrderEvent::EVENT_NOT_SET:
      break;
  }
}

}  // namespace rapport::sales
