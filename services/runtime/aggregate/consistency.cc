#include "services/runtime/aggregate/consistency.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/runtime/base/ids.h"
#include "services/runtime/base/status.h"

namespace rapport {

absl::StatusOr<log::v1::ConsistencyToken> ParseConsistencyToken(absl::string_view text) {
  log::v1::ConsistencyToken token;
  if (text.size() > kMaxConsistencyTokenBytes) {
    return InvalidField("Rapport-Consistency-Token",
                        absl::StrCat("longer than ", kMaxConsistencyTokenBytes,
                                     " bytes; start with the newest answer's token"));
  }
  const auto bytes = Base64UrlDecode(text);
  if (!bytes || !token.ParseFromString(*bytes)) {
    return InvalidField("Rapport-Consistency-Token",
                        "not a token that Rapport made; send back what an answer carried");
  }
  return token;
}

std::string FormatConsistencyToken(const log::v1::ConsistencyToken& token) {
  return Base64UrlEncode(token.SerializeAsString());
}

void Raise(log::v1::ConsistencyToken& token, int service, int partition, int64_t offset) {
  for (auto& position : *token.mutable_positions()) {
    if (position.service() == service && position.partition() == partition) {
      position.set_offset(std::max(position.offset(), offset));
      return;
    }
  }
  auto* position = token.add_positions();
  position->set_service(service);
  position->set_partition(partition);
  position->set_offset(offset);
}

absl::Status NotSeenYet() {
  return Unavailable("the state that the consistency token names has not been seen here yet");
}

int64_t OffsetIn(const log::v1::ConsistencyToken& token, int service, int partition) {
  for (const auto& position : token.positions()) {
    if (position.service() == service && position.partition() == partition) {
      return position.offset();
    }
  }
  return 0;
}

}  // namespace rapport
