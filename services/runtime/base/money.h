// Exact arithmetic on google.type.Money and google.type.Decimal; never a float.
//
// Errors are INVALID_ARGUMENT without a field: the caller knows which field it was.
// Threads: pure functions.
#pragma once

#include <compare>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/type/money.pb.h"

namespace rapport {

// A currency of three upper-case letters, nanos within ±999,999,999 and of the sign of units.
absl::Status CheckMoney(const google::type::Money& money);

// The arguments below must have passed CheckMoney. Two currencies, or a result beyond the range
// of units, are refused.
absl::StatusOr<google::type::Money> AddMoney(const google::type::Money& a,
                                             const google::type::Money& b);
absl::StatusOr<google::type::Money> SubtractMoney(const google::type::Money& a,
                                                  const google::type::Money& b);
// `quantity` is a canonical decimal. The product is exact, then rounded as RoundHalfUp does.
//   EUR 0.3333 * "3" -> EUR 1.00
absl::StatusOr<google::type::Money> MultiplyMoney(const google::type::Money& price,
                                                  absl::string_view quantity);
absl::StatusOr<std::strong_ordering> CompareMoney(const google::type::Money& a,
                                                  const google::type::Money& b);

// To the currency's digits; half goes away from zero, as invoices do.
//   EUR 1.005 -> EUR 1.01, EUR -1.005 -> EUR -1.01, JPY 0.5 -> JPY 1
absl::StatusOr<google::type::Money> RoundHalfUp(const google::type::Money& money);

bool IsNegative(const google::type::Money& money);
bool IsZero(const google::type::Money& money);

// Digits after the point by ISO 4217; 2 for currencies that the table does not know.
int CurrencyDigits(absl::string_view currency_code);

// What fits the common decimal types (.NET decimal, SQL DECIMAL(28)) without loss.
inline constexpr int kMaxDecimalDigits = 28;

// The one text of a decimal number: "+007.50" -> "7.5", "-0" -> "0", ".5" -> "0.5". Refuses
// exponents, anything but digits, and more than 28 digits (leading zeros and trailing zeros of
// the fraction do not count).
absl::StatusOr<std::string> CanonicalDecimal(absl::string_view text);

// The sum of two canonical decimals that are not negative, canonical too. More than 28 digits are
// refused.
absl::StatusOr<std::string> AddDecimals(absl::string_view a, absl::string_view b);

// Compares two canonical decimals by value.
std::strong_ordering CompareDecimals(absl::string_view a, absl::string_view b);

}  // namespace rapport
