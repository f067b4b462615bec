#include "services/sales/domain/order.h"

#include <limits>
#include <random>

#include "rapport/sales/v1/refusal.pb.h"
#include "services/runtime/base/money.h"
#include "tests/unit/spec.h"

namespace rapport::sales {
namespace {

using google::type::Money;
using spec::At;
using spec::Given;
using v1::Order;
using v1::OrderEvent;
using v1::Refusal;

Money M(const std::string& currency, int64_t units, int32_t nanos = 0) {
  Money money;
  money.set_currency_code(currency);
  money.set_units(units);
  money.set_nanos(nanos);
  return money;
}

void AddLine(Order& order, const Money& amount, const std::string& quantity = "1") {
  auto* line = order.add_lines();
  line->set_product("products/oats");
  line->mutable_quantity()->set_value(quantity);
  *line->mutable_amount() = amount;
}

OrderEvent Placed() {
  OrderEvent event;
  AddLine(*event.mutable_created()->mutable_order(), M("USD", 3));
  event.mutable_created()->mutable_order()->set_state(Order::PLACED);
  return event;
}
OrderEvent Fulfilled() {
  OrderEvent event;
  event.mutable_fulfilled();
  return event;
}
OrderEvent Cancelled(const std::string& reason) {
  OrderEvent event;
  event.mutable_cancelled()->set_reason(reason);
  return event;
}

// Three oats for 3.99 that cost 0.8855 each, and a till's correction.
OrderEvent PlacedWithCosts() {
  v1::CreateOrderRequest request;
  AddLine(*request.mutable_order(), M("USD", 3, 990'000'000), "3");
  AddLine(*request.mutable_order(), M("USD", -1), "0");
  *request.mutable_order()->mutable_lines(0)->mutable_unit_cost() = M("USD", 0, 885'500'000);
  *request.mutable_order()->mutable_lines(1)->mutable_unit_cost() = M("USD", 0);
  OrderEvent event;
  *event.mutable_created()->mutable_order() = Given<OrderAggregate>().When(request).ThenState();
  return event;
}
v1::ReturnedLine Back(int line, const std::string& quantity, const Money& amount) {
  v1::ReturnedLine returned;
  returned.set_line(line);
  returned.mutable_quantity()->set_value(quantity);
  *returned.mutable_amount() = amount;
  return returned;
}
v1::ReturnOrderRequest Return(const std::vector<v1::ReturnedLine>& lines) {
  v1::ReturnOrderRequest request;
  request.mutable_lines()->Assign(lines.begin(), lines.end());
  request.set_reason("stale");
  return request;
}
// What a first return of these lines decides.
OrderEvent Returned(const std::vector<v1::ReturnedLine>& lines) {
  const Order after =
      Given<OrderAggregate>(PlacedWithCosts(), Fulfilled()).When(Return(lines)).ThenState();
  OrderEvent event;
  *event.mutable_returned()->mutable_returned_lines() = after.returned_lines();
  *event.mutable_returned()->mutable_returned_total() = after.returned_total();
  *event.mutable_returned()->mutable_margin() = after.margin();
  for (const auto& line : lines) {
    auto* left = event.mutable_returned()->add_line_margins();
    left->set_line(line.line());
    *left->mutable_margin() = after.lines(line.line() - 1).margin();
  }
  return event;
}

v1::CreateOrderRequest Place(const std::vector<Money>& amounts) {
  v1::CreateOrderRequest request;
  for (const auto& amount : amounts) AddLine(*request.mutable_order(), amount);
  return request;
}
v1::FulfillOrderRequest Fulfill() {
  return {};
}
v1::CancelOrderRequest Cancel(const std::string& reason = "changed their mind") {
  v1::CancelOrderRequest request;
  request.set_reason(reason);
  return request;
}

// A Money that is exactly `nanos` billionths.
Money FromNanos(absl::int128 nanos) {
  return M("USD", static_cast<int64_t>(nanos / 1'000'000'000),
           static_cast<int32_t>(nanos % 1'000'000'000));
}

TEST(PlaceOrder, AddsUpItsLines) {
  const Order state = Given<OrderAggregate>()
                          .When(Place({M("USD", 3, 990'000'000), M("USD", 0, 20'000'000)}))
                          .ThenState();
  EXPECT_EQ(state.total().ShortDebugString(), M("USD", 4, 10'000'000).ShortDebugString());
  EXPECT_EQ(state.state(), Order::PLACED);
}

TEST(PlaceOrder, IgnoresATotalOrStateThatTheCallerSays) {
  v1::CreateOrderRequest request = Place({M("USD", 3)});
  *request.mutable_order()->mutable_total() = M("USD", 1'000);
  request.mutable_order()->set_state(Order::FULFILLED);
  const Order state = Given<OrderAggregate>().When(request).ThenState();
  EXPECT_EQ(state.total().units(), 3);
  EXPECT_EQ(state.state(), Order::PLACED);
}

TEST(PlaceOrder, TakesNegativeAmountsOfTillData) {
  const Order state = Given<OrderAggregate>()
                          .When(Place({M("USD", 1, 500'000'000), M("USD", -2, -250'000'000)}))
                          .ThenState();
  EXPECT_EQ(state.total().ShortDebugString(), M("USD", 0, -750'000'000).ShortDebugString());
}

TEST(PlaceOrder, TakesAmountsWithoutACount) {
  v1::CreateOrderRequest request;
  AddLine(*request.mutable_order(), M("USD", 2), "0");
  EXPECT_EQ(Given<OrderAggregate>().When(request).ThenState().total().units(), 2);
}

TEST(PlaceOrder, RefusesANegativeQuantity) {
  v1::CreateOrderRequest request = Place({M("USD", 1)});
  AddLine(*request.mutable_order(), M("USD", 1), "-1");
  Given<OrderAggregate>().When(request).ThenFails(absl::StatusCode::kInvalidArgument,
                                                  "order.lines[1].quantity");
}

TEST(PlaceOrder, RefusesTwoCurrencies) {
  Given<OrderAggregate>()
      .When(Place({M("USD", 1), M("USD", 1), M("EUR", 1)}))
      .ThenFails(absl::StatusCode::kInvalidArgument, "order.lines[2].amount");
}

TEST(PlaceOrder, RefusesATotalBeyondMoney) {
  const int64_t most = std::numeric_limits<int64_t>::max();
  Given<OrderAggregate>()
      .When(Place({M("USD", most), M("USD", 1)}))
      .ThenFails(absl::StatusCode::kInvalidArgument, "order.lines[1].amount");
  Given<OrderAggregate>()
      .When(Place({M("USD", most, 999'999'999), M("USD", 0, 1)}))
      .ThenFails(absl::StatusCode::kInvalidArgument, "order.lines[1].amount");
}

// Any lines: the total is their sum to the billionth, and a Money as Money must be.
TEST(PlaceOrder, IsExactForAnyLines) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<int64_t> nanos(-5'000'000'000'000, 5'000'000'000'000);
  for (int round = 0; round < 200; ++round) {
    absl::int128 sum = 0;
    std::vector<Money> amounts;
    for (auto lines = 1 + random() % 40; lines > 0; --lines) {
      const absl::int128 amount = nanos(random);
      sum += amount;
      amounts.push_back(FromNanos(amount));
    }
    const Order state = Given<OrderAggregate>().When(Place(amounts)).ThenState();
    ASSERT_EQ(state.total().ShortDebugString(), FromNanos(sum).ShortDebugString());
  }
}

TEST(FulfillOrder, SaysWhen) {
  const Order state = Given<OrderAggregate>(Placed()).When(Fulfill()).Then(Fulfilled());
  EXPECT_EQ(state.state(), Order::FULFILLED);
  EXPECT_EQ(state.fulfill_time().seconds(), At(1'000).seconds());
}

TEST(FulfillOrder, AgainIsNothing) {
  Given<OrderAggregate>(Placed(), Fulfilled()).When(Fulfill()).ThenNothing();
}

TEST(FulfillOrder, IsRefusedWhenCancelled) {
  Given<OrderAggregate>(Placed(), Cancelled("no"))
      .When(Fulfill())
      .ThenRefuses(Refusal::ORDER_CANCELLED);
}

TEST(CancelOrder, SaysWhyAndWhen) {
  const Order state =
      Given<OrderAggregate>(Placed()).When(Cancel("too late")).Then(Cancelled("too late"));
  EXPECT_EQ(state.state(), Order::CANCELLED);
  EXPECT_EQ(state.cancel_reason(), "too late");
  EXPECT_EQ(state.cancel_time().seconds(), At(1'000).seconds());
}

TEST(CancelOrder, AgainIsNothing) {
  Given<OrderAggregate>(Placed(), Cancelled("A")).When(Cancel("B")).ThenNothing();
}

TEST(CancelOrder, IsRefusedWhenFulfilled) {
  Given<OrderAggregate>(Placed(), Fulfilled()).When(Cancel()).ThenRefuses(Refusal::ORDER_FULFILLED);
}

TEST(PlaceOrder, KnowsItsMarginWhereAllCostsAreKnown) {
  // 3.99 - 1.00 - 3 * 0.8855, a line's cost rounded to the cent.
  const Order state = Given<OrderAggregate>(PlacedWithCosts()).state();
  EXPECT_EQ(state.lines(0).margin().ShortDebugString(),
            M("USD", 1, 330'000'000).ShortDebugString());
  EXPECT_EQ(state.lines(1).margin().ShortDebugString(), M("USD", -1).ShortDebugString());
  EXPECT_EQ(state.margin().ShortDebugString(), M("USD", 0, 330'000'000).ShortDebugString());

  v1::CreateOrderRequest request = Place({M("USD", 3), M("USD", 1)});
  *request.mutable_order()->mutable_lines(0)->mutable_unit_cost() = M("USD", 1);
  const Order one_unknown = Given<OrderAggregate>().When(request).ThenState();
  EXPECT_EQ(one_unknown.lines(0).margin().units(), 2);
  EXPECT_FALSE(one_unknown.lines(1).has_margin());
  EXPECT_FALSE(one_unknown.has_margin());
}

TEST(PlaceOrder, RefusesACostThatIsNone) {
  v1::CreateOrderRequest request = Place({M("USD", 3), M("USD", 1)});
  auto* cost = request.mutable_order()->mutable_lines(0)->mutable_unit_cost();
  for (const Money& wrong :
       {M("USD", -1), M("EUR", 1), M("USD", std::numeric_limits<int64_t>::min())}) {
    *cost = wrong;
    Given<OrderAggregate>().When(request).ThenFails(absl::StatusCode::kInvalidArgument,
                                                    "order.lines[0].unit_cost");
  }
}

TEST(ReturnOrder, SaysWhatCameBackAndWhatItLeaves) {
  OrderEvent expected;
  auto* returned = expected.mutable_returned();
  *returned->add_lines() = Back(1, "2", M("USD", 2, 660'000'000));
  returned->set_reason("stale");
  *returned->mutable_amount() = M("USD", 2, 660'000'000);
  *returned->add_returned_lines() = Back(1, "2", M("USD", 2, 660'000'000));
  *returned->mutable_returned_total() = M("USD", 2, 660'000'000);
  // 0.33 before it, less 2.66 paid back for goods that cost 1.77.
  *returned->mutable_margin() = M("USD", 0, -560'000'000);
  auto* left = returned->add_line_margins();
  left->set_line(1);
  *left->mutable_margin() = M("USD", 0, 440'000'000);
  const Order state = Given<OrderAggregate>(PlacedWithCosts(), Fulfilled())
                          .When(Return({Back(1, "2", M("USD", 2, 660'000'000))}))
                          .Then(expected);
  EXPECT_EQ(state.state(), Order::FULFILLED);
  EXPECT_EQ(state.lines(0).margin().nanos(), 440'000'000);
  EXPECT_EQ(state.lines(1).margin().units(), -1);
  EXPECT_EQ(state.total().ShortDebugString(), M("USD", 2, 990'000'000).ShortDebugString());
  EXPECT_EQ(state.returned_total().units(), 2);
}

TEST(ReturnOrder, AddsUpReturnsOfALine) {
  const Order state =
      Given<OrderAggregate>(PlacedWithCosts(), Fulfilled(), Returned({Back(1, "0.5", M("USD", 1))}))
          .When(Return({Back(1, "2.5", M("USD", 2, 990'000'000))}))
          .ThenState();
  ASSERT_EQ(state.returned_lines_size(), 1);
  EXPECT_EQ(state.returned_lines(0).quantity().value(), "3");
  EXPECT_EQ(state.returned_total().ShortDebugString(), M("USD", 3, 990'000'000).ShortDebugString());
  // All goods are back: what is left is the money that was kept.
  EXPECT_EQ(state.margin().ShortDebugString(), M("USD", -1).ShortDebugString());
  EXPECT_TRUE(IsZero(state.lines(0).margin()));
}

// Orders of before lines had margins: what was said is in the log for ever.
TEST(ReturnOrder, LeavesMarginsOfOldOrdersTrue) {
  OrderEvent placed = PlacedWithCosts();
  for (auto& line : *placed.mutable_created()->mutable_order()->mutable_lines()) {
    line.clear_margin();
  }
  Order state = Given<OrderAggregate>(placed, Fulfilled())
                    .When(Return({Back(1, "2", M("USD", 2, 660'000'000))}))
                    .ThenState();
  EXPECT_EQ(state.lines(0).margin().nanos(), 440'000'000);
  EXPECT_EQ(state.margin().nanos(), -560'000'000);

  // A cost in another currency was not looked at while another line had none.
  auto& lines = *placed.mutable_created()->mutable_order()->mutable_lines();
  lines[0].mutable_unit_cost()->set_currency_code("EUR");
  lines[1].clear_unit_cost();
  placed.mutable_created()->mutable_order()->clear_margin();
  state = Given<OrderAggregate>(placed, Fulfilled())
              .When(Return({Back(1, "2", M("USD", 2, 660'000'000))}))
              .ThenState();
  EXPECT_FALSE(state.lines(0).has_margin());
  EXPECT_EQ(state.returned_total().units(), 2);
}

TEST(ReturnOrder, IsNeverMoreThanWasBought) {
  const auto one_back = Returned({Back(1, "1", M("USD", 1))});
  Given<OrderAggregate>(PlacedWithCosts(), Fulfilled(), one_back)
      .When(Return({Back(1, "2.0000001", M("USD", 0))}))
      .ThenRefuses(Refusal::RETURN_EXCEEDS_LINE);
  Given<OrderAggregate>(PlacedWithCosts(), Fulfilled(), one_back)
      .When(Return({Back(1, "0", M("USD", 2, 990'000'001))}))
      .ThenRefuses(Refusal::RETURN_EXCEEDS_LINE);
  Given<OrderAggregate>(PlacedWithCosts(), Fulfilled(), one_back)
      .When(Return({Back(1, "2", M("USD", 2, 990'000'000))}))
      .ThenState();
}

TEST(ReturnOrder, PaysNothingBackForACorrection) {
  Given<OrderAggregate>(PlacedWithCosts(), Fulfilled())
      .When(Return({Back(2, "0", M("USD", 0, 1))}))
      .ThenRefuses(Refusal::RETURN_EXCEEDS_LINE);
}

TEST(ReturnOrder, LeavesAMarginUnknownWhereCostsAre) {
  const Order state = Given<OrderAggregate>(
                          [] {
                            OrderEvent event;
                            *event.mutable_created()->mutable_order() =
                                Given<OrderAggregate>().When(Place({M("USD", 3)})).ThenState();
                            return event;
                          }(),
                          Fulfilled())
                          .When(Return({Back(1, "1", M("USD", 3))}))
                          .ThenState();
  EXPECT_FALSE(state.has_margin());
  EXPECT_EQ(state.returned_total().units(), 3);
}

TEST(ReturnOrder, NamesTheLineThatIsWrong) {
  const struct {
    v1::ReturnedLine line;
    const char* field;
  } kCases[] = {
      {Back(3, "1", M("USD", 1)), "lines[1].line"},
      {Back(-1, "1", M("USD", 1)), "lines[1].line"},
      {Back(1, "1", M("USD", 1)), "lines[1].line"},  // twice
      {Back(2, "-1", M("USD", 1)), "lines[1].quantity"},
      {Back(2, "0", M("USD", -1)), "lines[1].amount"},
      {Back(2, "0", M("EUR", 1)), "lines[1].amount"},
      {Back(2, "0", M("USD", 0)), "lines[1]"},
  };
  for (const auto& c : kCases) {
    Given<OrderAggregate>(PlacedWithCosts(), Fulfilled())
        .When(Return({Back(1, "1", M("USD", 1)), c.line}))
        .ThenFails(absl::StatusCode::kInvalidArgument, c.field);
  }
}

TEST(ReturnOrder, WaitsUntilItIsFulfilled) {
  const auto request = Return({Back(1, "1", M("USD", 1))});
  Given<OrderAggregate>(PlacedWithCosts()).When(request).ThenRefuses(Refusal::ORDER_NOT_FULFILLED);
  Given<OrderAggregate>(PlacedWithCosts(), Cancelled("no"))
      .When(request)
      .ThenRefuses(Refusal::ORDER_CANCELLED);
}

TEST(CorrectOrder, NeverTouchesItsLines) {
  v1::UpdateOrderRequest request;
  AddLine(*request.mutable_order(), M("USD", 1'000));
  request.mutable_update_mask()->add_paths("lines");
  Given<OrderAggregate>(Placed()).When(request).ThenFails(absl::StatusCode::kInvalidArgument,
                                                          "order.lines");
}

// What the server decided inside the lines is in no request.
TEST(CorrectOrder, SentBackWholeKeepsTheMarginsOfItsLines) {
  v1::UpdateOrderRequest request;
  *request.mutable_order() = Given<OrderAggregate>(PlacedWithCosts()).state();
  for (auto& line : *request.mutable_order()->mutable_lines()) line.clear_margin();
  request.mutable_order()->set_note("ring twice");
  const Order state = Given<OrderAggregate>(PlacedWithCosts()).When(request).ThenState();
  EXPECT_EQ(state.note(), "ring twice");
  EXPECT_EQ(state.lines(0).margin().units(), 1);
}

TEST(CorrectOrder, ChangesTheNote) {
  v1::UpdateOrderRequest request;
  request.mutable_order()->set_note("ring twice");
  request.mutable_update_mask()->add_paths("note");
  EXPECT_EQ(Given<OrderAggregate>(Placed()).When(request).ThenState().note(), "ring twice");
}

}  // namespace
}  // namespace rapport::sales
