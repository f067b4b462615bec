#include "services/runtime/base/money.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

using google::type::Money;

constexpr int32_t kNanosPerUnit = 1'000'000'000;

// ISO 4217's currencies that do not have two digits.
constexpr absl::string_view kNoDigits[] = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY",
                                           "KMF", "KRW", "PYG", "RWF", "UGX", "UYI",
                                           "VND", "VUV", "XAF", "XOF", "XPF"};
constexpr absl::string_view kThreeDigits[] = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"};
constexpr absl::string_view kFourDigits[] = {"CLF", "UYW"};

bool In(const auto& currencies, absl::string_view code) {
  return std::find(std::begin(currencies), std::end(currencies), code) != std::end(currencies);
}

__int128 Nanos(const Money& money) {
  return static_cast<__int128>(money.units()) * kNanosPerUnit + money.nanos();
}

absl::Status TooLarge(absl::string_view currency) {
  return absl::InvalidArgumentError(
      absl::StrCat("the amount of ", currency, " is too large; split it"));
}

absl::StatusOr<Money> FromNanos(absl::string_view currency, __int128 nanos) {
  const __int128 units = nanos / kNanosPerUnit;
  if (units > std::numeric_limits<int64_t>::max() || units < std::numeric_limits<int64_t>::min()) {
    return TooLarge(currency);
  }
  Money money;
  money.set_currency_code(std::string(currency));
  money.set_units(static_cast<int64_t>(units));
  money.set_nanos(static_cast<int32_t>(nanos % kNanosPerUnit));
  return money;
}

absl::Status SameCurrency(const Money& a, const Money& b) {
  if (a.currency_code() == b.currency_code()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("amounts of two currencies, ", a.currency_code(),
                                                 " and ", b.currency_code(),
                                                 "; convert one of them first"));
}

// "12.5" -> "12" and "5", without the sign.
std::pair<absl::string_view, absl::string_view> Parts(absl::string_view decimal) {
  absl::ConsumePrefix(&decimal, "-");
  const size_t point = decimal.find('.');
  if (point == absl::string_view::npos) return {decimal, ""};
  return {decimal.substr(0, point), decimal.substr(point + 1)};
}

}  // namespace

absl::Status CheckMoney(const Money& money) {
  const absl::string_view code = money.currency_code();
  if (code.size() != 3 || !std::all_of(code.begin(), code.end(), absl::ascii_isupper)) {
    return absl::InvalidArgumentError(
        "currency_code must be three upper-case letters (ISO 4217), like \"EUR\"");
  }
  if (money.nanos() <= -kNanosPerUnit || money.nanos() >= kNanosPerUnit) {
    return absl::InvalidArgumentError("nanos must be between -999999999 and 999999999");
  }
  if ((money.units() > 0 && money.nanos() < 0) || (money.units() < 0 && money.nanos() > 0)) {
    return absl::InvalidArgumentError("units and nanos must have the same sign");
  }
  return absl::OkStatus();
}

absl::StatusOr<Money> AddMoney(const Money& a, const Money& b) {
  RETURN_IF_ERROR(SameCurrency(a, b));
  return FromNanos(a.currency_code(), Nanos(a) + Nanos(b));
}

absl::StatusOr<Money> SubtractMoney(const Money& a, const Money& b) {
  RETURN_IF_ERROR(SameCurrency(a, b));
  return FromNanos(a.currency_code(), Nanos(a) - Nanos(b));
}

absl::StatusOr<Money> MultiplyMoney(const Money& price, absl::string_view quantity) {
  const auto [whole, fraction] = Parts(quantity);
  const __int128 nanos = Nanos(price);
  const __int128 each = nanos < 0 ? -nanos : nanos;
  // Digit by digit from the last: floors of floors are the floor of the whole, which rounds as the
  // exact product does, because half of what is rounded to is a whole number of nanos.
  __int128 product = 0;
  for (auto digit = fraction.rbegin(); digit != fraction.rend(); ++digit) {
    product = (product + each * (*digit - '0')) / 10;
  }
  __int128 count = 0;
  for (const char digit : whole) count = count * 10 + (digit - '0');
  __int128 of_whole = 0;
  if (__builtin_mul_overflow(each, count, &of_whole) ||
      __builtin_add_overflow(product, of_whole, &product)) {
    return TooLarge(price.currency_code());
  }
  const bool negative = (nanos < 0) != absl::StartsWith(quantity, "-");
  ASSIGN_OR_RETURN(const Money exact,
                   FromNanos(price.currency_code(), negative ? -product : product));
  return RoundHalfUp(exact);
}

absl::StatusOr<std::strong_ordering> CompareMoney(const Money& a, const Money& b) {
  RETURN_IF_ERROR(SameCurrency(a, b));
  const __int128 left = Nanos(a);
  const __int128 right = Nanos(b);
  return left < right   ? std::strong_ordering::less
         : left > right ? std::strong_ordering::greater
                        : std::strong_ordering::equal;
}

absl::StatusOr<Money> RoundHalfUp(const Money& money) {
  __int128 step = kNanosPerUnit;
  for (int i = CurrencyDigits(money.currency_code()); i > 0; --i) step /= 10;
  const __int128 nanos = Nanos(money);
  const __int128 half = nanos < 0 ? -step / 2 : step / 2;
  return FromNanos(money.currency_code(), (nanos + half) / step * step);
}

bool IsNegative(const Money& money) {
  return money.units() < 0 || money.nanos() < 0;
}

bool IsZero(const Money& money) {
  return money.units() == 0 && money.nanos() == 0;
}

int CurrencyDigits(absl::string_view currency_code) {
  if (In(kNoDigits, currency_code)) return 0;
  if (In(kThreeDigits, currency_code)) return 3;
  if (In(kFourDigits, currency_code)) return 4;
  return 2;
}

absl::StatusOr<std::string> CanonicalDecimal(absl::string_view text) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative || (!text.empty() && text.front() == '+')) text.remove_prefix(1);
  const size_t point = text.find('.');
  absl::string_view whole = text.substr(0, point);
  absl::string_view fraction =
      point == absl::string_view::npos ? absl::string_view() : text.substr(point + 1);
  const auto digits = [](absl::string_view part) {
    return std::all_of(part.begin(), part.end(), absl::ascii_isdigit);
  };
  if ((whole.empty() && fraction.empty()) || !digits(whole) || !digits(fraction)) {
    return absl::InvalidArgumentError("must be a plain decimal number without exponent, like 2.5");
  }
  while (!whole.empty() && whole.front() == '0') whole.remove_prefix(1);
  while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);
  if (whole.size() + fraction.size() > kMaxDecimalDigits) {
    return absl::InvalidArgumentError(
        absl::StrCat("must have at most ", kMaxDecimalDigits, " digits"));
  }
  if (whole.empty() && fraction.empty()) return "0";
  return absl::StrCat(negative ? "-" : "", whole.empty() ? "0" : whole, fraction.empty() ? "" : ".",
                      fraction);
}

absl::StatusOr<std::string> AddDecimals(absl::string_view a, absl::string_view b) {
  const auto [a_whole, a_fraction] = Parts(a);
  const auto [b_whole, b_fraction] = Parts(b);
  const size_t places = std::max(a_fraction.size(), b_fraction.size());
  const size_t digits = std::max(a_whole.size(), b_whole.size()) + 1;
  // As long as each other, without the point; one digit more for what is carried.
  const auto aligned = [&](absl::string_view whole, absl::string_view fraction) {
    return absl::StrCat(std::string(digits - whole.size(), '0'), whole, fraction,
                        std::string(places - fraction.size(), '0'));
  };
  std::string sum = aligned(a_whole, a_fraction);
  const std::string other = aligned(b_whole, b_fraction);
  int carry = 0;
  for (size_t i = sum.size(); i-- > 0;) {
    const int digit = (sum[i] - '0') + (other[i] - '0') + carry;
    sum[i] = static_cast<char>('0' + digit % 10);
    carry = digit / 10;
  }
  return CanonicalDecimal(absl::StrCat(sum.substr(0, digits), ".", sum.substr(digits)));
}

std::strong_ordering CompareDecimals(absl::string_view a, absl::string_view b) {
  const bool a_negative = a.front() == '-';
  const bool b_negative = b.front() == '-';
  if (a_negative != b_negative) {
    return a_negative ? std::strong_ordering::less : std::strong_ordering::greater;
  }
  if (a_negative) {
    std::swap(a, b);
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  const size_t a_whole = std::min(a.find('.'), a.size());
  const size_t b_whole = std::min(b.find('.'), b.size());
  if (a_whole != b_whole) return a_whole <=> b_whole;
  // The same number of digits before the point, no trailing zeros: text order is value order.
  return a.compare(b) <=> 0;
}

}  // namespace rapport
