#include "services/runtime/aggregate/own_request_id.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/runtime/base/hash.h"
#include "services/runtime/base/status.h"

namespace rapport {

std::string OwnRequestId(absl::string_view secret, absl::string_view sender,
                         absl::string_view cause) {
  Ensure(!secret.empty(), "request ids that anybody can tell in advance");
  // Under the same key are the hashes of requests, which begin with the full name of a message.
  const std::string hash = KeyedHash(secret, absl::StrCat(sender, "\n", cause));
  return absl::StrCat(sender, "-", absl::BytesToHexString(hash));
}

}  // namespace rapport
