// Ids of resources: made here, or checked here when the caller chose them.
//
// Threads: pure functions; time and randomness come in.
#pragma once

#include <optional>
#include <string>

#include "absl/numeric/int128.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace rapport {

// A DNS label's length (AIP-122), so that ids fit wherever a host name does.
inline constexpr int kMaxIdCharacters = 63;

// AIP-133: [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?
bool ValidId(absl::string_view id);

// A lower-case ULID: 26 characters that sort by time (milliseconds, 1970 to 10889). Uses the low
// 80 bits of `random`; two of the same millisecond sort at random.
//   "01hzx3v5ke8q2m4r6t9w0y1abc"
std::string MakeUlid(absl::Time time, absl::uint128 random);

// The id of a root that a request creates: the same request makes the same id, so that its repeat
// meets the same partition. 20 characters, the first a letter, 99 bits.
//   DerivedId("customers", "import-7-12")  ->  "rorcmje5etwzt2yefwmg"
std::string DerivedId(absl::string_view collection, absl::string_view request_id);

// The uid of a resource, a UUID (RFC 9562, version 8) that follows from `text`, usually its name
// and create time.
std::string MakeUid(absl::string_view text);

// RFC 4648's URL alphabet, without padding. Decode answers nothing unless `text` is exactly what
// Encode makes.
std::string Base64UrlEncode(absl::string_view bytes);
std::optional<std::string> Base64UrlDecode(absl::string_view text);

}  // namespace rapport
