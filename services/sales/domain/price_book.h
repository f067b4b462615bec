// A list of prices in one currency.
//
//   DRAFT -> ACTIVE -> RETIRED, and back to ACTIVE by activating it again.
#pragma once

#include "rapport/sales/v1/price_book.pb.h"
#include "services/runtime/base/decision.h"

namespace rapport::sales {

struct PriceBookAggregate {
  using State = v1::PriceBook;
  using Event = v1::PriceBookEvent;
  using Commands = Types<v1::ActivatePriceBookRequest, v1::RetirePriceBookRequest>;

  static absl::Status Begin(State& created, const Context& context);
  // The currency is one, and the book does not end before it starts.
  static absl::Status Check(const State& after);

  static Decision<Event> Decide(const State& state, const v1::ActivatePriceBookRequest& request,
                                const Context& context);
  static Decision<Event> Decide(const State& state, const v1::RetirePriceBookRequest& request,
                                const Context& context);

  static void Evolve(State& state, const Event& event, const Facts& facts);
};

}  // namespace rapport::sales
