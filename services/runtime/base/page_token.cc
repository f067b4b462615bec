#include "services/runtime/base/page_token.h"

#include <sodium.h>

#include <optional>

#include "absl/strings/str_cat.h"
#include "services/runtime/base/hash.h"
#include "services/runtime/base/ids.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

constexpr char kVersion = 1;
// 128 bits cannot be guessed; tokens stay short.
constexpr int kSignatureBytes = 16;

std::string Signature(absl::string_view key, absl::string_view query_fingerprint,
                      absl::string_view cursor) {
  // The length in front, so that no byte can move from the query to the cursor.
  std::string hash =
      HmacSha256(key, absl::StrCat(query_fingerprint.size(), ":", query_fingerprint, cursor));
  hash.resize(kSignatureBytes);
  return hash;
}

}  // namespace

std::string SealPageToken(absl::string_view key, absl::string_view query_fingerprint,
                          absl::string_view serialized_cursor) {
  return Base64UrlEncode(absl::StrCat(std::string(1, kVersion),
                                      Signature(key, query_fingerprint, serialized_cursor),
                                      serialized_cursor));
}

absl::StatusOr<std::string> OpenPageToken(absl::string_view key,
                                          absl::string_view query_fingerprint,
                                          absl::string_view token) {
  const auto refused = [] {
    return InvalidField("page_token",
                        "is not a token of this query; start the list again without page_token");
  };
  if (token.size() > kMaxPageTokenCharacters) return refused();
  const std::optional<std::string> bytes = Base64UrlDecode(token);
  if (!bytes || bytes->size() < 1 + kSignatureBytes || bytes->front() != kVersion) return refused();
  const absl::string_view cursor = absl::string_view(*bytes).substr(1 + kSignatureBytes);
  const std::string expected = Signature(key, query_fingerprint, cursor);
  if (sodium_memcmp(expected.data(), bytes->data() + 1, kSignatureBytes) != 0) return refused();
  return std::string(cursor);
}

}  // namespace rapport
