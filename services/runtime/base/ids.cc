#include "services/runtime/base/ids.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/runtime/base/hash.h"

namespace rapport {
namespace {

// Crockford's alphabet, which ULIDs use: no i, l, o, u.
constexpr char kCrockford[] = "0123456789abcdefghjkmnpqrstvwxyz";
// RFC 4648's alphabet, whose first 26 are letters.
constexpr char kBase32[] = "abcdefghijklmnopqrstuvwxyz234567";
constexpr int kUlidCharacters = 26;
constexpr int kDerivedIdCharacters = 20;

bool LowerOrDigit(char c) {
  return absl::ascii_islower(c) || absl::ascii_isdigit(c);
}

absl::uint128 Hash128(absl::string_view data) {
  absl::uint128 value = 0;
  for (unsigned char byte : KeyedHash("", data)) value = value << 8 | byte;
  return value;
}

}  // namespace

bool ValidId(absl::string_view id) {
  return !id.empty() && id.size() <= kMaxIdCharacters && LowerOrDigit(id.front()) &&
         LowerOrDigit(id.back()) &&
         std::all_of(id.begin(), id.end(), [](char c) { return LowerOrDigit(c) || c == '-'; });
}

std::string MakeUlid(absl::Time time, absl::uint128 random) {
  const absl::uint128 millis = static_cast<uint64_t>(absl::ToUnixMillis(time)) & 0xffff'ffff'ffff;
  absl::uint128 value = millis << 80 | (random & ((absl::uint128(1) << 80) - 1));
  std::string ulid(kUlidCharacters, '0');
  for (int i = kUlidCharacters - 1; i >= 0; --i, value >>= 5) {
    ulid[i] = kCrockford[static_cast<int>(value & 31)];
  }
  return ulid;
}

std::string DerivedId(absl::string_view collection, absl::string_view request_id) {
  // Collections have no slash, so no two pairs give one text.
  absl::uint128 value = Hash128(absl::StrCat(collection, "/", request_id));
  std::string id(1, kBase32[static_cast<int>(value % 26)]);
  value /= 26;
  for (; id.size() < kDerivedIdCharacters; value >>= 5) id += kBase32[static_cast<int>(value & 31)];
  return id;
}

std::string MakeUid(absl::string_view text) {
  std::string bytes = KeyedHash("", text);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x80);  // version 8: made by our own rule
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);  // the variant of RFC 9562
  const std::string hex = absl::BytesToHexString(bytes);
  const absl::string_view view = hex;
  return absl::StrCat(view.substr(0, 8), "-", view.substr(8, 4), "-", view.substr(12, 4), "-",
                      view.substr(16, 4), "-", view.substr(20));
}

std::string Base64UrlEncode(absl::string_view bytes) {
  return absl::WebSafeBase64Escape(bytes);
}

std::optional<std::string> Base64UrlDecode(absl::string_view text) {
  std::string bytes;
  // absl also takes padding and white space; one text per value keeps tokens comparable.
  if (!absl::WebSafeBase64Unescape(text, &bytes) || Base64UrlEncode(bytes) != text) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace rapport
