#include "services/sales/domain/price_book.h"

#include "services/runtime/base/money.h"
#include "services/sales/domain/period.h"

namespace rapport::sales {

using v1::PriceBook;
using v1::PriceBookEvent;

absl::Status PriceBookAggregate::Begin(PriceBook& created, const Context&) {
  created.set_state(PriceBook::DRAFT);
  return absl::OkStatus();
}

absl::Status PriceBookAggregate::Check(const PriceBook& after) {
  google::type::Money in_currency;
  in_currency.set_currency_code(after.currency_code());
  if (const absl::Status money = CheckMoney(in_currency); !money.ok()) {
    return InvalidField("price_book.currency_code", money.message());
  }
  return CheckPeriod(after, "price_book");
}

Decision<PriceBookEvent> PriceBookAggregate::Decide(const PriceBook& state,
                                                    const v1::ActivatePriceBookRequest&,
                                                    const Context&) {
  if (state.state() == PriceBook::ACTIVE) return Nothing();
  PriceBookEvent event;
  event.mutable_activated();
  return event;
}

Decision<PriceBookEvent> PriceBookAggregate::Decide(const PriceBook& state,
                                                    const v1::RetirePriceBookRequest&,
                                                    const Context&) {
  if (state.state() == PriceBook::RETIRED) return Nothing();
  PriceBookEvent event;
  event.mutable_retired();
  return event;
}

void PriceBookAggregate::Evolve(PriceBook& state, const PriceBookEvent& event, const Facts&) {
  switch (event.event_case()) {
    case PriceBookEvent::kActivated:
      state.set_state(PriceBook::ACTIVE);
      break;
    case PriceBookEvent::kRetired:
      state.set_state(PriceBook::RETIRED);
      break;
    case PriceBookEvent::kCreated:  // the runtime's
    case PriceBookEvent::kUpdated:
    case PriceBookEvent::kDeleted:
    case PriceBookEvent::kUndeleted:
    case PriceBookEvent::EVENT_NOT_SET:
      break;
  }
}

}  // namespace rapport::sales
