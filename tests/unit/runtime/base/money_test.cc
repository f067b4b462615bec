#include "services/runtime/base/money.h"

#include <gtest/gtest.h>

#include <limits>

namespace rapport {
namespace {

using google::type::Money;

Money M(absl::string_view currency, int64_t units, int32_t nanos = 0) {
  Money money;
  money.set_currency_code(std::string(currency));
  money.set_units(units);
  money.set_nanos(nanos);
  return money;
}

TEST(CheckMoney, SaysWhatIsWrong) {
  const struct {
    Money money;
    absl::string_view message;
  } kCases[] = {
      {M("EUR", 1, 500'000'000), ""},
      {M("EUR", -1, -999'999'999), ""},
      {M("EUR", 0, -1), ""},
      {M("", 1), "currency_code"},
      {M("eur", 1), "currency_code"},
      {M("EURO", 1), "currency_code"},
      {M("EUR", 0, 1'000'000'000), "nanos"},
      {M("EUR", 0, -1'000'000'000), "nanos"},
      {M("EUR", 1, -1), "same sign"},
      {M("EUR", -1, 1), "same sign"},
  };
  for (const auto& c : kCases) {
    const absl::Status status = CheckMoney(c.money);
    EXPECT_EQ(status.ok(), c.message.empty()) << c.money.ShortDebugString();
    EXPECT_NE(status.message().find(c.message), absl::string_view::npos) << status;
  }
}

TEST(AddMoney, IsExact) {
  const auto sum = AddMoney(M("EUR", 1, 999'999'999), M("EUR", -2, -1));
  ASSERT_TRUE(sum.ok());
  EXPECT_EQ(sum->units(), 0);
  EXPECT_EQ(sum->nanos(), -2);
  EXPECT_TRUE(IsNegative(*sum));
  EXPECT_TRUE(CheckMoney(*sum).ok());
}

TEST(AddMoney, RefusesTwoCurrenciesAndOverflow) {
  EXPECT_FALSE(AddMoney(M("EUR", 1), M("USD", 1)).ok());
  EXPECT_FALSE(AddMoney(M("EUR", std::numeric_limits<int64_t>::max()), M("EUR", 1)).ok());
  EXPECT_FALSE(AddMoney(M("EUR", std::numeric_limits<int64_t>::min()), M("EUR", -1)).ok());
}

TEST(SubtractMoney, IsExact) {
  const auto rest = SubtractMoney(M("EUR", 1), M("EUR", 2, 1));
  ASSERT_TRUE(rest.ok());
  EXPECT_EQ(rest->units(), -1);
  EXPECT_EQ(rest->nanos(), -1);
  EXPECT_FALSE(SubtractMoney(M("EUR", 1), M("USD", 1)).ok());
  EXPECT_FALSE(SubtractMoney(M("EUR", std::numeric_limits<int64_t>::min()), M("EUR", 1)).ok());
}

TEST(MultiplyMoney, IsExactThenRoundedHalfUp) {
  const struct {
    Money price;
    absl::string_view quantity;
    Money product;
  } kCases[] = {
      {M("EUR", 0, 333'300'000), "3", M("EUR", 1)},
      {M("EUR", 2), "0", M("EUR", 0)},
      {M("EUR", 2), "0.5", M("EUR", 1)},
      {M("EUR", 0, 10'000'000), "0.5", M("EUR", 0, 10'000'000)},
      {M("EUR", 0, 10'000'000), "0.4999999999999999999999999999", M("EUR", 0)},
      {M("EUR", 0, -10'000'000), "0.5", M("EUR", 0, -10'000'000)},
      {M("EUR", 0, 10'000'000), "-0.5", M("EUR", 0, -10'000'000)},
      {M("EUR", 0, -10'000'000), "-0.5", M("EUR", 0, 10'000'000)},
      {M("JPY", 1), "2.5", M("JPY", 3)},
      {M("EUR", 0, 1), "12345678901234567890", M("EUR", 12'345'678'901, 230'000'000)},
      {M("EUR", 1'000'000'000'000), "0.3333333333333333333333333333",
       M("EUR", 333'333'333'333, 330'000'000)},
  };
  for (const auto& c : kCases) {
    const auto product = MultiplyMoney(c.price, c.quantity);
    ASSERT_TRUE(product.ok()) << product.status();
    EXPECT_EQ(product->ShortDebugString(), c.product.ShortDebugString()) << c.quantity;
  }
}

TEST(MultiplyMoney, RefusesWhatMoneyCannotHold) {
  EXPECT_FALSE(MultiplyMoney(M("EUR", 10'000'000'000), "10000000000").ok());
  EXPECT_FALSE(
      MultiplyMoney(M("EUR", std::numeric_limits<int64_t>::max()), "9999999999999999999999999999")
          .ok());
}

TEST(CompareMoney, ComparesWithinOneCurrency) {
  EXPECT_EQ(*CompareMoney(M("EUR", 1, 5), M("EUR", 1, 4)), std::strong_ordering::greater);
  EXPECT_EQ(*CompareMoney(M("EUR", -1, -5), M("EUR", -1, -4)), std::strong_ordering::less);
  EXPECT_EQ(*CompareMoney(M("EUR", 1), M("EUR", 1)), std::strong_ordering::equal);
  EXPECT_FALSE(CompareMoney(M("EUR", 1), M("USD", 1)).ok());
}

TEST(RoundHalfUp, TakesTheCurrencysDigits) {
  const struct {
    Money from, to;
  } kCases[] = {
      {M("EUR", 1, 5'000'000), M("EUR", 1, 10'000'000)},
      {M("EUR", 1, 4'999'999), M("EUR", 1)},
      {M("EUR", -1, -5'000'000), M("EUR", -1, -10'000'000)},
      {M("EUR", 0, 995'000'000), M("EUR", 1)},
      {M("JPY", 0, 500'000'000), M("JPY", 1)},
      {M("JPY", 0, 499'999'999), M("JPY", 0)},
      {M("KWD", 1, 1'500'000), M("KWD", 1, 2'000'000)},
      {M("CLF", 1, 150'000), M("CLF", 1, 200'000)},
  };
  for (const auto& c : kCases) {
    const auto rounded = RoundHalfUp(c.from);
    ASSERT_TRUE(rounded.ok());
    EXPECT_EQ(rounded->ShortDebugString(), c.to.ShortDebugString());
  }
  EXPECT_FALSE(RoundHalfUp(M("EUR", std::numeric_limits<int64_t>::max(), 999'000'000)).ok());
}

TEST(CanonicalDecimal, HasOneText) {
  const struct {
    absl::string_view from, to;
  } kCases[] = {
      {"2.50", "2.5"}, {"+007", "7"}, {"-0.0", "0"},  {".5", "0.5"},
      {"5.", "5"},     {"-1", "-1"},  {"100", "100"}, {"0.001", "0.001"},
  };
  for (const auto& c : kCases) EXPECT_EQ(*CanonicalDecimal(c.from), c.to) << c.from;
  EXPECT_EQ(*CanonicalDecimal(std::string(50, '0') + std::string(28, '9')), std::string(28, '9'));
  for (absl::string_view text : {"", ".", "-", "1e3", "1,5", " 1", "--1", "1.2.3", "NaN", "٣"}) {
    EXPECT_FALSE(CanonicalDecimal(text).ok()) << text;
  }
  EXPECT_FALSE(CanonicalDecimal(std::string(29, '9')).ok());
}

TEST(CompareDecimals, OrdersByValue) {
  const absl::string_view kAscending[] = {"-10", "-9.5", "-9", "-0.1", "0",  "0.09",
                                          "0.1", "0.11", "1",  "9",    "10", "10.01"};
  for (size_t i = 0; i < std::size(kAscending); ++i) {
    for (size_t j = 0; j < std::size(kAscending); ++j) {
      EXPECT_EQ(CompareDecimals(kAscending[i], kAscending[j]), i <=> j);
    }
  }
}

TEST(AddDecimals, AddsDigitByDigit) {
  const struct {
    absl::string_view a;
    absl::string_view b;
    absl::string_view sum;
  } kCases[] = {
      {"0", "0", "0"},
      {"1", "2", "3"},
      {"0.5", "0.5", "1"},
      {"99.9", "0.1", "100"},
      {"1.25", "10", "11.25"},
      {"0.001", "999", "999.001"},
      {"9999999999999999999999999998", "1", "9999999999999999999999999999"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(*AddDecimals(c.a, c.b), c.sum);
    EXPECT_EQ(*AddDecimals(c.b, c.a), c.sum);
  }
}

TEST(AddDecimals, RefusesMoreDigitsThanADecimalHas) {
  EXPECT_FALSE(AddDecimals("9999999999999999999999999999", "1").ok());
  EXPECT_FALSE(AddDecimals("9999999999999999999999999999", "0.1").ok());
}

}  // namespace
}  // namespace rapport
