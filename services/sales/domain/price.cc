#include "services/sales/domain/price.h"

#include "rapport/sales/v1/price_book.pb.h"
#include "services/runtime/base/money.h"
#include "services/runtime/base/resource_name.h"
#include "services/sales/domain/period.h"

namespace rapport::sales {
namespace {

using v1::Price;

absl::Status CheckAmount(const google::type::Money& amount, absl::string_view currency_code,
                         absl::string_view field) {
  if (amount.currency_code() != currency_code) {
    return InvalidField(field,
                        absl::StrCat("must be in ", currency_code, ", as the price book is"));
  }
  if (IsNegative(amount)) return InvalidField(field, "must not be negative");
  return absl::OkStatus();
}

}  // namespace

std::string PriceAggregate::Id(const Price& price) {
  return std::string(IdOf(price.product()));
}

std::vector<std::string> PriceAggregate::Reads(const Price&, absl::string_view name) {
  return {std::string(ParentOf(name))};
}

absl::Status PriceAggregate::Begin(Price& created, const Context& context) {
  const std::string book_name(ParentOf(context.name));
  const auto* book = context.rows.Find<v1::PriceBook>(book_name);
  if (book == nullptr) return NotFound(book_name);
  created.set_currency_code(book->currency_code());
  return absl::OkStatus();
}

absl::Status PriceAggregate::Check(const Price& after) {
  const std::string& currency_code = after.currency_code();
  RETURN_IF_ERROR(CheckAmount(after.unit_price(), currency_code, "price.unit_price"));
  if (after.has_unit_cost()) {
    RETURN_IF_ERROR(CheckAmount(after.unit_cost(), currency_code, "price.unit_cost"));
  }
  absl::string_view reached = "0";
  for (int i = 0; i < after.tiers_size(); ++i) {
    const auto& tier = after.tiers(i);
    const std::string field = absl::StrCat("price.tiers[", i, "]");
    const std::string& minimum = tier.minimum_quantity().value();
    if (std::is_lteq(CompareDecimals(minimum, reached))) {
      return InvalidField(absl::StrCat(field, ".minimum_quantity"),
                          absl::StrCat("must be more than ", reached, ": tiers rise"));
    }
    RETURN_IF_ERROR(
        CheckAmount(tier.unit_price(), currency_code, absl::StrCat(field, ".unit_price")));
    reached = minimum;
  }
  return CheckPeriod(after, "price");
}

}  // namespace rapport::sales
