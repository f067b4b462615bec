#include "services/runtime/tls/caller.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace rapport {

bool CountsAsName(absl::string_view name) {
  return !name.empty() && name.size() <= kMaxNameLength &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
}

bool IsInstance(const std::vector<std::string>& names, const Instances& instances) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return instances.count(name) > 0; });
}

absl::StatusOr<std::string> ActorOf(const std::vector<std::string>& names,
                                    const Instances& instances, absl::string_view said) {
  if (names.empty()) {
    return absl::UnauthenticatedError(
        absl::StrCat("the certificate has neither a URI nor a DNS name of at most ", kMaxNameLength,
                     " characters in its subjectAltName; use one that says who calls"));
  }
  if (!said.empty() && IsInstance(names, instances)) return std::string(said);
  return names.front();
}

absl::Status CheckInstance(const std::vector<std::string>& names, const Instances& instances) {
  if (IsInstance(names, instances)) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat("this is for instances of Rapport, and ", names.empty() ? "nobody" : names[0],
                   " is not known as one; where it is, name it in --tls-instances"));
}

}  // namespace rapport
