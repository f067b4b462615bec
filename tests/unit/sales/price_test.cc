#include "services/sales/domain/price.h"

#include "rapport/sales/v1/price_book.pb.h"
#include "tests/unit/spec.h"

namespace rapport::sales {
namespace {

using google::type::Money;
using spec::At;
using spec::Given;
using v1::Price;
using v1::PriceEvent;

Money M(const std::string& currency, int64_t units) {
  Money money;
  money.set_currency_code(currency);
  money.set_units(units);
  return money;
}

v1::PriceBook Book() {
  v1::PriceBook book;
  book.set_name("priceBooks/ada");
  book.set_currency_code("EUR");
  return book;
}

v1::CreatePriceRequest Set(const Money& unit_price) {
  v1::CreatePriceRequest request;
  request.mutable_price()->set_product("products/oats");
  *request.mutable_price()->mutable_unit_price() = unit_price;
  return request;
}
void AddTier(v1::CreatePriceRequest& request, const std::string& minimum, const Money& unit_price) {
  auto* tier = request.mutable_price()->add_tiers();
  tier->mutable_minimum_quantity()->set_value(minimum);
  *tier->mutable_unit_price() = unit_price;
}

void ExpectWrong(const v1::CreatePriceRequest& request, const std::string& field) {
  Given<PriceAggregate>().Seeing(Book()).When(request).ThenFails(absl::StatusCode::kInvalidArgument,
                                                                 field);
}

TEST(SetPrice, TakesTheCurrencyOfItsBook) {
  v1::CreatePriceRequest request = Set(M("EUR", 5));
  AddTier(request, "2.5", M("EUR", 4));
  AddTier(request, "10", M("EUR", 3));
  *request.mutable_price()->mutable_unit_cost() = M("EUR", 2);
  const Price state = Given<PriceAggregate>().Seeing(Book()).When(request).ThenState();
  EXPECT_EQ(state.currency_code(), "EUR");
  EXPECT_EQ(state.tiers_size(), 2);
}

TEST(SetPrice, IsNamedAfterItsProduct) {
  EXPECT_EQ(PriceAggregate::Id(Set(M("EUR", 5)).price()), "oats");
}

TEST(SetPrice, NeedsABook) {
  Given<PriceAggregate>().When(Set(M("EUR", 5))).ThenFails(absl::StatusCode::kNotFound, "");
}

TEST(SetPrice, RefusesAnotherCurrencyAnywhere) {
  ExpectWrong(Set(M("USD", 5)), "price.unit_price");
  v1::CreatePriceRequest request = Set(M("EUR", 5));
  *request.mutable_price()->mutable_unit_cost() = M("USD", 2);
  ExpectWrong(request, "price.unit_cost");
  request = Set(M("EUR", 5));
  AddTier(request, "2", M("USD", 4));
  ExpectWrong(request, "price.tiers[0].unit_price");
}

TEST(SetPrice, RefusesNegativePrices) {
  ExpectWrong(Set(M("EUR", -5)), "price.unit_price");
}

TEST(SetPrice, RefusesTiersThatDoNotRise) {
  for (const char* minimum : {"10", "9.5", "0", "-1"}) {
    v1::CreatePriceRequest request = Set(M("EUR", 5));
    AddTier(request, "10", M("EUR", 4));
    AddTier(request, minimum, M("EUR", 3));
    ExpectWrong(request, "price.tiers[1].minimum_quantity");
  }
}

TEST(SetPrice, DoesNotEndBeforeItStarts) {
  v1::CreatePriceRequest request = Set(M("EUR", 5));
  *request.mutable_price()->mutable_start_time() = At(10);
  *request.mutable_price()->mutable_end_time() = At(9);
  ExpectWrong(request, "price.end_time");
}

TEST(ChangePrice, StaysInTheCurrencyOfItsBook) {
  PriceEvent set;
  *set.mutable_created()->mutable_price() = Set(M("EUR", 5)).price();
  set.mutable_created()->mutable_price()->set_currency_code("EUR");
  v1::UpdatePriceRequest request;
  *request.mutable_price()->mutable_unit_price() = M("USD", 6);
  Given<PriceAggregate>(set).When(request).ThenFails(absl::StatusCode::kInvalidArgument,
                                                     "price.unit_price");
  *request.mutable_price()->mutable_unit_price() = M("EUR", 6);
  EXPECT_EQ(Given<PriceAggregate>(set).When(request).ThenState().unit_price().units(), 6);
}

}  // namespace
}  // namespace rapport::sales
