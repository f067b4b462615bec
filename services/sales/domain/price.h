// What one product costs in one price book: a child row, so that a book may have any number.
#pragma once

#include "rapport/sales/v1/price.pb.h"
#include "services/runtime/base/decision.h"

namespace rapport::sales {

struct PriceAggregate {
  using State = v1::Price;
  using Event = v1::PriceEvent;

  // A product has one price in a book: the price is named after it.
  static std::string Id(const State& price);
  // The book, whose currency the price takes.
  static std::vector<std::string> Reads(const State& price, absl::string_view name);

  static absl::Status Begin(State& created, const Context& context);
  // All money is the book's and not negative; tiers rise; it does not end before it starts.
  static absl::Status Check(const State& after);
};

}  // namespace rapport::sales
