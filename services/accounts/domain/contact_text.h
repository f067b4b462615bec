// The one form of what people write in many: phone numbers, e-mail addresses.
//
// Errors are INVALID_ARGUMENT without a field: who asks knows which.
// Threads: pure functions.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rapport::accounts {

// RFC 5321.
inline constexpr size_t kMaxLocalPartBytes = 64;
inline constexpr size_t kMaxEmailBytes = 254;

struct PhoneNumber {
  std::string e164;       // "+493012345678"
  std::string extension;  // what follows "ext." or ";ext="; may be empty
};

// `raw` as it is dialled in `region` (ISO 3166, "DE"); the region may be empty where `raw` begins
// with + and a country code. Numbers that no country assigns are refused, as the numbering plans of
// the libphonenumber that is linked have it.
absl::StatusOr<PhoneNumber> ParsePhone(absl::string_view raw, absl::string_view region);

// Trimmed, the domain in lower case. Takes what RFC 5321 and 6531 take, less quoted local parts and
// domains of one label or of numbers in brackets.
absl::StatusOr<std::string> ParseEmail(absl::string_view text);

}  // namespace rapport::accounts
