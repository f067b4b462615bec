#include "gateway/view/backends.h"

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

}  // namespace rapport::gateway
