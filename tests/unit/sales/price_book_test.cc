#include "services/sales/domain/price_book.h"

#include "tests/unit/spec.h"

namespace rapport::sales {
namespace {

using spec::At;
using spec::Given;
using v1::PriceBook;
using v1::PriceBookEvent;

PriceBookEvent Created() {
  PriceBookEvent event;
  auto* book = event.mutable_created()->mutable_price_book();
  book->set_display_name("Retail");
  book->set_currency_code("EUR");
  book->set_state(PriceBook::DRAFT);
  return event;
}
PriceBookEvent Activated() {
  PriceBookEvent event;
  event.mutable_activated();
  return event;
}
PriceBookEvent Retired() {
  PriceBookEvent event;
  event.mutable_retired();
  return event;
}
v1::CreatePriceBookRequest Create(const std::string& currency_code = "EUR") {
  v1::CreatePriceBookRequest request;
  request.mutable_price_book()->set_display_name("Retail");
  request.mutable_price_book()->set_currency_code(currency_code);
  return request;
}
v1::ActivatePriceBookRequest Activate() {
  return {};
}
v1::RetirePriceBookRequest Retire() {
  return {};
}

TEST(CreatePriceBook, IsADraft) {
  EXPECT_EQ(Given<PriceBookAggregate>().When(Create()).ThenState().state(), PriceBook::DRAFT);
}

TEST(CreatePriceBook, NeedsACurrency) {
  for (const char* wrong : {"eur", "EU", ""}) {
    Given<PriceBookAggregate>()
        .When(Create(wrong))
        .ThenFails(absl::StatusCode::kInvalidArgument, "price_book.currency_code");
  }
}

TEST(CreatePriceBook, DoesNotEndBeforeItStarts) {
  v1::CreatePriceBookRequest request = Create();
  *request.mutable_price_book()->mutable_start_time() = At(10);
  *request.mutable_price_book()->mutable_end_time() = At(10);
  Given<PriceBookAggregate>().When(request).ThenFails(absl::StatusCode::kInvalidArgument,
                                                      "price_book.end_time");
  *request.mutable_price_book()->mutable_end_time() = At(11);
  Given<PriceBookAggregate>().When(request).ThenState();
}

TEST(ActivatePriceBook, FromDraftAndFromRetired) {
  EXPECT_EQ(Given<PriceBookAggregate>(Created()).When(Activate()).Then(Activated()).state(),
            PriceBook::ACTIVE);
  Given<PriceBookAggregate>(Created(), Retired()).When(Activate()).Then(Activated());
  Given<PriceBookAggregate>(Created(), Activated()).When(Activate()).ThenNothing();
}

TEST(RetirePriceBook, FromWhateverItIs) {
  EXPECT_EQ(
      Given<PriceBookAggregate>(Created(), Activated()).When(Retire()).Then(Retired()).state(),
      PriceBook::RETIRED);
  Given<PriceBookAggregate>(Created(), Retired()).When(Retire()).ThenNothing();
}

TEST(CorrectPriceBook, NeverChangesTheCurrency) {
  v1::UpdatePriceBookRequest request;
  request.mutable_price_book()->set_currency_code("USD");
  request.mutable_update_mask()->add_paths("currency_code");
  Given<PriceBookAggregate>(Created()).When(request).ThenFails(absl::StatusCode::kInvalidArgument,
                                                               "price_book.currency_code");
}

}  // namespace
}  // namespace rapport::sales
