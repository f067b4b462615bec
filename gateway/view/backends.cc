#include "gateway/view/backends.h"

#include "absl/strings/str_cat.h"
#include "services/runtime/aggregate/consistency.h"

namespace rapport::gateway {

std::string JoinTokens(const std::vector<std::string>& tokens) {
  log::v1::ConsistencyToken joined;
  for (const auto& text : tokens) {
    const auto token = ParseConsistencyToken(text);
    if (!token.ok()) continue;
    for (const auto& position : token->positions()) {
      Raise(joined, position.service(), position.partition(), position.offset());
    }
  }
  return FormatConsistencyToken(joined);
}

const Backend* FindBackend(const std::vector<Backend>& backends, absl::string_view name) {
  for (const auto& backend : backends) {
    if (backend.name == name) return &backend;
  }
  return nullptr;
}

absl::Status NotInstalled(absl::string_view service) {
  return absl::UnimplementedError(
      absl::StrCat(service, " is not installed here; add it to rapport serve --services"));
}

}  // namespace rapport::gateway
