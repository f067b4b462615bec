#include "services/sales/domain/order.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "rapport/sales/v1/refusal.pb.h"
#include "services/runtime/base/money.h"

namespace rapport::sales {
namespace {

using google::type::Money;
using v1::Order;
using v1::OrderEvent;
using v1::OrderLine;
using v1::Refusal;
using v1::ReturnedLine;

Money Zero(const std::string& currency_code) {
  Money zero;
  zero.set_currency_code(currency_code);
  return zero;
}

absl::Status CheckLine(const OrderLine& line, absl::string_view field) {
  if (absl::StartsWith(line.quantity().value(), "-")) {
    return InvalidField(absl::StrCat(field, ".quantity"), "must not be negative");
  }
  if (IsNegative(line.unit_cost())) {
    return InvalidField(absl::StrCat(field, ".unit_cost"), "must not be negative");
  }
  return absl::OkStatus();
}

// An amount for a quantity of the line's goods, less what the goods cost.
absl::StatusOr<Money> Earned(const OrderLine& line, const google::type::Decimal& quantity,
                             const Money& amount) {
  ASSIGN_OR_RETURN(const Money cost, MultiplyMoney(line.unit_cost(), quantity.value()));
  return SubtractMoney(amount, cost);
}

// An order of before lines had margins may say a cost in another currency, which tells nothing.
bool CostIsKnown(const OrderLine& line) {
  return line.has_unit_cost() && line.unit_cost().currency_code() == line.amount().currency_code();
}

bool CostsAreKnown(const Order& order) {
  return std::all_of(order.lines().begin(), order.lines().end(), CostIsKnown);
}

// Of a line whose cost is known, after all that came back of it; null where nothing did.
absl::StatusOr<Money> MarginOf(const OrderLine& line, const ReturnedLine* returned) {
  ASSIGN_OR_RETURN(const Money earned, Earned(line, line.quantity(), line.amount()));
  if (returned == nullptr) return earned;
  ASSIGN_OR_RETURN(const Money lost, Earned(line, returned->quantity(), returned->amount()));
  return SubtractMoney(earned, lost);
}

// Decides the margins of an order that is placed.
absl::Status AddMargins(Order& created) {
  Money margin = Zero(created.total().currency_code());
  for (int i = 0; i < created.lines_size(); ++i) {
    OrderLine& line = *created.mutable_lines(i);
    if (!line.has_unit_cost()) continue;
    absl::StatusOr<Money> sum = MarginOf(line, nullptr);
    if (sum.ok()) {
      *line.mutable_margin() = *sum;
      sum = AddMoney(margin, *sum);
    }
    if (!sum.ok()) {
      return InvalidField(absl::StrCat("order.lines[", i, "].unit_cost"), sum.status().message());
    }
    margin = *std::move(sum);
  }
  if (CostsAreKnown(created)) *created.mutable_margin() = std::move(margin);
  return absl::OkStatus();
}

// What came back of each line so far, by its number.
using Sums = std::map<int, ReturnedLine>;

// Decides the margins that a return leaves.
absl::Status AddMargins(const Order& state, const Sums& sums, v1::OrderReturned& returned) {
  for (const ReturnedLine& back : returned.lines()) {
    const OrderLine& line = state.lines(back.line() - 1);
    if (!CostIsKnown(line)) continue;
    auto* left = returned.add_line_margins();
    left->set_line(back.line());
    ASSIGN_OR_RETURN(*left->mutable_margin(), MarginOf(line, &sums.at(back.line())));
  }
  if (!CostsAreKnown(state)) return absl::OkStatus();
  Money total = Zero(state.total().currency_code());
  for (int i = 0; i < state.lines_size(); ++i) {
    const auto sum = sums.find(i + 1);
    ASSIGN_OR_RETURN(const Money margin,
                     MarginOf(state.lines(i), sum == sums.end() ? nullptr : &sum->second));
    ASSIGN_OR_RETURN(total, AddMoney(total, margin));
  }
  *returned.mutable_margin() = std::move(total);
  return absl::OkStatus();
}

absl::Status CheckReturnedLine(const Order& state, const ReturnedLine& returned,
                               absl::string_view field) {
  if (returned.line() < 1 || returned.line() > state.lines_size()) {
    return InvalidField(absl::StrCat(field, ".line"),
                        absl::StrCat("the order's lines are 1 to ", state.lines_size()));
  }
  if (absl::StartsWith(returned.quantity().value(), "-")) {
    return InvalidField(absl::StrCat(field, ".quantity"), "must not be negative");
  }
  if (IsNegative(returned.amount())) {
    return InvalidField(absl::StrCat(field, ".amount"),
                        "must not be negative: say what is paid back");
  }
  if (returned.amount().currency_code() != state.total().currency_code()) {
    return InvalidField(
        absl::StrCat(field, ".amount"),
        absl::StrCat("must be in ", state.total().currency_code(), ", as the order is"));
  }
  if (returned.quantity().value() == "0" && IsZero(returned.amount())) {
    return InvalidField(field, "returns nothing; say a quantity, an amount or both");
  }
  return absl::OkStatus();
}

// Adds a return to what came back of the line before.
absl::Status AddReturn(const Order& state, const ReturnedLine& returned, ReturnedLine* sum) {
  const OrderLine& line = state.lines(returned.line() - 1);
  if (!sum->has_quantity()) {
    *sum = returned;
  } else {
    ASSIGN_OR_RETURN(*sum->mutable_quantity()->mutable_value(),
                     AddDecimals(sum->quantity().value(), returned.quantity().value()));
    ASSIGN_OR_RETURN(*sum->mutable_amount(), AddMoney(sum->amount(), returned.amount()));
  }
  if (std::is_gt(CompareDecimals(sum->quantity().value(), line.quantity().value()))) {
    return Refuse(Refusal::RETURN_EXCEEDS_LINE, state.name(),
                  absl::StrCat("of line ", returned.line(), ", ", line.quantity().value(),
                               " were bought and ", sum->quantity().value(),
                               " would be back; return the rest at most"));
  }
  ASSIGN_OR_RETURN(const auto refunded, CompareMoney(sum->amount(), line.amount()));
  if (!IsZero(sum->amount()) && std::is_gt(refunded)) {
    return Refuse(Refusal::RETURN_EXCEEDS_LINE, state.name(),
                  absl::StrCat("more would be paid back for line ", returned.line(),
                               " than was paid; refund the rest at most"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status OrderAggregate::Begin(Order& created, const Context&) {
  Money total = Zero(created.lines_size() == 0 ? "" : created.lines(0).amount().currency_code());
  for (int i = 0; i < created.lines_size(); ++i) {
    const auto& line = created.lines(i);
    const std::string field = absl::StrCat("order.lines[", i, "]");
    RETURN_IF_ERROR(CheckLine(line, field));
    const absl::StatusOr<Money> sum = AddMoney(total, line.amount());
    if (!sum.ok()) return InvalidField(absl::StrCat(field, ".amount"), sum.status().message());
    total = *sum;
  }
  *created.mutable_total() = total;
  RETURN_IF_ERROR(AddMargins(created));
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

Decision<OrderEvent> OrderAggregate::Decide(const Order& state,
                                            const v1::ReturnOrderRequest& request, const Context&) {
  if (state.state() == Order::CANCELLED) {
    return Refuse(Refusal::ORDER_CANCELLED, state.name(),
                  "it was cancelled: there is nothing to return");
  }
  if (state.state() != Order::FULFILLED) {
    return Refuse(Refusal::ORDER_NOT_FULFILLED, state.name(),
                  "it was not fulfilled; cancel it instead");
  }
  Sums sums;
  for (const ReturnedLine& line : state.returned_lines()) sums[line.line()] = line;
  std::set<int> seen;
  Money amount = Zero(state.total().currency_code());
  for (int i = 0; i < request.lines_size(); ++i) {
    const ReturnedLine& line = request.lines(i);
    const std::string field = absl::StrCat("lines[", i, "]");
    RETURN_IF_ERROR(CheckReturnedLine(state, line, field));
    if (!seen.insert(line.line()).second) {
      return InvalidField(absl::StrCat(field, ".line"), "appears twice; add the two up");
    }
    RETURN_IF_ERROR(AddReturn(state, line, &sums[line.line()]));
    ASSIGN_OR_RETURN(amount, AddMoney(amount, line.amount()));
  }
  OrderEvent event;
  auto* returned = event.mutable_returned();
  *returned->mutable_lines() = request.lines();
  returned->set_reason(request.reason());
  for (const auto& [line, sum] : sums) *returned->add_returned_lines() = sum;
  *returned->mutable_returned_total() = amount;
  if (state.has_returned_total()) {
    ASSIGN_OR_RETURN(*returned->mutable_returned_total(), AddMoney(state.returned_total(), amount));
  }
  *returned->mutable_amount() = std::move(amount);
  RETURN_IF_ERROR(AddMargins(state, sums, *returned));
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
    case OrderEvent::kReturned:
      *state.mutable_returned_lines() = event.returned().returned_lines();
      *state.mutable_returned_total() = event.returned().returned_total();
      if (event.returned().has_margin()) *state.mutable_margin() = event.returned().margin();
      for (const auto& left : event.returned().line_margins()) {
        if (left.line() < 1 || left.line() > state.lines_size()) continue;
        *state.mutable_lines(left.line() - 1)->mutable_margin() = left.margin();
      }
      break;
    case OrderEvent::kCreated:  // the runtime's
    case OrderEvent::kUpdated:
    case OrderEvent::EVENT_NOT_SET:
      break;
  }
}

}  // namespace rapport::sales
