// Page tokens: a cursor that only the server that made it can have made, for one query only.
//
// Threads: pure functions.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rapport {

// Tokens travel in URLs, and proxies cut those at 8 KB or above.
inline constexpr int kMaxPageTokenCharacters = 6'000;

// `query_fingerprint` is whatever must stay the same from page to page: the request's
// deterministic bytes without page_size and page_token. The cursor is signed, not hidden.
// Stable: base64url(version byte 1, 16 bytes of HMAC-SHA256, cursor).
std::string SealPageToken(absl::string_view key, absl::string_view query_fingerprint,
                          absl::string_view serialized_cursor);

// The cursor. INVALID_ARGUMENT on "page_token" for a token that was changed, or made for another
// query or with another key.
absl::StatusOr<std::string> OpenPageToken(absl::string_view key,
                                          absl::string_view query_fingerprint,
                                          absl::string_view token);

}  // namespace rapport
