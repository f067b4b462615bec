#include "services/sales/quote.h"

#include "rapport/sales/v1/price_book.pb.h"
#include "rapport/sales/v1/product.pb.h"
#include "rapport/sales/v1/refusal.pb.h"
#include "services/runtime/base/decision.h"
#include "services/runtime/base/money.h"
#include "services/runtime/base/resource_name.h"
#include "services/sales/domain/period.h"

namespace rapport::sales {
namespace {

using v1::Price;
using v1::PriceBook;
using v1::Refusal;

absl::Status CheckBook(const PriceBook& book, const google::protobuf::Timestamp& time) {
  if (book.has_delete_time()) return Deleted(book.name());
  if (book.state() != PriceBook::ACTIVE) {
    return Refuse(Refusal::PRICE_BOOK_NOT_ACTIVE, book.name(),
                  absl::StrCat("it is ", PriceBook::State_Name(book.state()),
                               "; activate it first, or ask another book"));
  }
  if (!IsValidAt(book, time)) {
    return Refuse(
        Refusal::PRICE_BOOK_NOT_VALID, book.name(),
        absl::StrCat("it holds ", PeriodText(book), "; ask for a time within, or another book"));
  }
  return absl::OkStatus();
}

absl::Status CheckPrice(const Price& price, const google::protobuf::Timestamp& time) {
  if (price.has_delete_time()) return Deleted(price.name());
  if (!IsValidAt(price, time)) {
    return Refuse(Refusal::PRICE_NOT_VALID, price.name(),
                  absl::StrCat("it holds ", PeriodText(price),
                               "; ask for a time within, or change its period"));
  }
  return absl::OkStatus();
}

// An order's line checks its product in the same way.
absl::Status CheckProduct(const std::string& name, const Projections& rows) {
  ASSIGN_OR_RETURN(const auto product, rows.Find<v1::Product>("products", name));
  if (product && !product->has_delete_time()) return absl::OkStatus();
  return InvalidField("product", absl::StrCat(name, " does not exist; create it first"));
}

// The last whose minimum is reached, as they rise; null below the first.
const v1::PriceTier* TierFor(const Price& price, absl::string_view quantity) {
  const v1::PriceTier* reached = nullptr;
  for (const auto& tier : price.tiers()) {
    if (std::is_lt(CompareDecimals(quantity, tier.minimum_quantity().value()))) break;
    reached = &tier;
  }
  return reached;
}

absl::StatusOr<v1::QuotePriceResponse> Quote(const Price& price,
                                             const google::type::Decimal& quantity,
                                             const google::protobuf::Timestamp& time) {
  v1::QuotePriceResponse response;
  *response.mutable_unit_price() = price.unit_price();
  if (const auto* tier = TierFor(price, quantity.value()); tier != nullptr) {
    *response.mutable_unit_price() = tier->unit_price();
    *response.mutable_tier() = *tier;
  }
  if (price.has_unit_cost()) *response.mutable_unit_cost() = price.unit_cost();
  absl::StatusOr<google::type::Money> total =
      MultiplyMoney(response.unit_price(), quantity.value());
  if (!total.ok()) return InvalidField("quantity", total.status().message());
  *response.mutable_total() = *std::move(total);
  *response.mutable_quantity() = quantity;
  *response.mutable_time() = time;
  response.set_price(price.name());
  return response;
}

}  // namespace

absl::StatusOr<v1::QuotePriceResponse> QuotePrice(const v1::QuotePriceRequest& request,
                                                  const Projections& rows) {
  google::type::Decimal quantity = request.quantity();
  if (!request.has_quantity()) quantity.set_value("1");
  if (std::is_lteq(CompareDecimals(quantity.value(), "0"))) {
    return InvalidField("quantity", "must be more than 0");
  }
  const auto time = request.has_time() ? request.time() : ToTimestamp(rows.now());

  ASSIGN_OR_RETURN(const auto book, rows.Find<PriceBook>("priceBooks", request.name()));
  if (!book) return NotFound(request.name());
  RETURN_IF_ERROR(CheckBook(*book, time));
  RETURN_IF_ERROR(CheckProduct(request.product(), rows));
  const std::string name = absl::StrCat(request.name(), "/prices/", IdOf(request.product()));
  ASSIGN_OR_RETURN(const auto price, rows.Find<Price>("prices", name));
  if (!price) return NotFound(name, "the book has no price for this product; set one first");
  RETURN_IF_ERROR(CheckPrice(*price, time));
  return Quote(*price, quantity, time);
}

}  // namespace rapport::sales
