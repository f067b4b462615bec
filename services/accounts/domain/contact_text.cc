#include "services/accounts/domain/contact_text.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "phonenumbers/phonenumberutil.h"
#include "services/runtime/base/status.h"
#include "services/runtime/base/text.h"

namespace rapport::accounts {
namespace {

using i18n::phonenumbers::PhoneNumberUtil;

constexpr size_t kMaxLabelBytes = 63;

absl::string_view WhyNoPhone(PhoneNumberUtil::ErrorType error) {
  switch (error) {
    case PhoneNumberUtil::INVALID_COUNTRY_CODE_ERROR:
      return "names no country: begin with + and the country code, or say the ISO 3166 region it "
             "is "
             "dialled in";
    case PhoneNumberUtil::TOO_SHORT_AFTER_IDD:
    case PhoneNumberUtil::TOO_SHORT_NSN:
      return "is too short for a phone number";
    case PhoneNumberUtil::TOO_LONG_NSN:
      return "is too long for a phone number";
    case PhoneNumberUtil::NOT_A_NUMBER:
    case PhoneNumberUtil::NO_PARSING_ERROR:
      break;
  }
  return "is no phone number; write +493012345678, or 030 12345678 with region DE";
}

// Of a local part (RFC 5321's atext) and of a domain label; both may have letters of any script.
bool IsAtomCharacter(unsigned char c) {
  return c >= 0x80 || absl::ascii_isalnum(c) ||
         absl::string_view("!#$%&'*+-/=?^_`{|}~").find(static_cast<char>(c)) !=
             absl::string_view::npos;
}
bool IsLabelCharacter(unsigned char c) {
  return c >= 0x80 || absl::ascii_isalnum(c) || c == '-';
}

bool IsLocalPart(absl::string_view text) {
  if (text.empty() || text.size() > kMaxLocalPartBytes) return false;
  for (const absl::string_view atom : absl::StrSplit(text, '.')) {
    if (atom.empty() || !std::all_of(atom.begin(), atom.end(), IsAtomCharacter)) return false;
  }
  return true;
}

bool IsDomain(absl::string_view text) {
  const std::vector<absl::string_view> labels = absl::StrSplit(text, '.');
  for (const absl::string_view label : labels) {
    if (label.empty() || label.size() > kMaxLabelBytes || label.front() == '-' ||
        label.back() == '-' || !std::all_of(label.begin(), label.end(), IsLabelCharacter)) {
      return false;
    }
  }
  // No country is a number: "1.2.3.4" is an address of another kind.
  return labels.size() > 1 &&
         !std::all_of(labels.back().begin(), labels.back().end(), absl::ascii_isdigit);
}

}  // namespace

absl::StatusOr<PhoneNumber> ParsePhone(absl::string_view raw, absl::string_view region) {
  const PhoneNumberUtil& util = *PhoneNumberUtil::GetInstance();
  i18n::phonenumbers::PhoneNumber number;
  const auto error = util.Parse(std::string(raw), absl::AsciiStrToUpper(region), &number);
  if (error != PhoneNumberUtil::NO_PARSING_ERROR) {
    return absl::InvalidArgumentError(WhyNoPhone(error));
  }
  if (!util.IsValidNumber(number)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "is no number that country code +", number.country_code(),
        " assigns; look for a missing or doubled digit, and at the region it is dialled in"));
  }
  PhoneNumber phone{.e164 = "", .extension = number.extension()};
  util.Format(number, PhoneNumberUtil::E164, &phone.e164);
  return phone;
}

absl::StatusOr<std::string> ParseEmail(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  const size_t at = text.rfind('@');
  if (at == absl::string_view::npos || text.size() > kMaxEmailBytes ||
      !IsLocalPart(text.substr(0, at)) || !IsDomain(text.substr(at + 1))) {
    return absl::InvalidArgumentError(
        "is no e-mail address; write it bare and with its whole domain, like ada@example.com");
  }
  return absl::StrCat(text.substr(0, at + 1), FoldCase(text.substr(at + 1)));
}

}  // namespace rapport::accounts
