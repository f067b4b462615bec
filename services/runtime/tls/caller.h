// Who calls, by the names in its certificate.
//
// A certificate's names are those of its subjectAltName: URIs (spiffe://corp/crm-desk) before DNS
// names, in its own order; the first is who its bearer is. Names with more than printable ASCII,
// or longer than kMaxNameLength, do not count.
//
// What a caller says of somebody else (x-rapport-actor) is believed of instances only, and so is
// that a call was passed on: whoever else calls acts under its own name.
//
// Threads: pure functions.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rapport {

// As long as an actor may be, which stands in every record.
inline constexpr size_t kMaxNameLength = 256;

// The names that certificates of Rapport's instances bear.
using Instances = std::set<std::string, std::less<>>;

bool CountsAsName(absl::string_view name);

// Whether one of a caller's names is an instance's.
bool IsInstance(const std::vector<std::string>& names, const Instances& instances);

// Under which name a call is done; `said` is what the caller says, empty where it says nothing.
// UNAUTHENTICATED where the caller has no name.
absl::StatusOr<std::string> ActorOf(const std::vector<std::string>& names,
                                    const Instances& instances, absl::string_view said);

// PERMISSION_DENIED for who is no instance and does what only these may.
absl::Status CheckInstance(const std::vector<std::string>& names, const Instances& instances);

}  // namespace rapport
