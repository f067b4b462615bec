// The services that the gateway asks, and the tokens that they answer.
//
// Threads: any.
#pragma once

#include <string>
#include <vector>

#include "gateway/gateway.h"

namespace rapport::gateway {

// Joins the consistency tokens that several answers carried.
std::string JoinTokens(const std::vector<std::string>& tokens);

// The backend of this name; null where it is not installed.
const Backend* FindBackend(const std::vector<Backend>& backends, absl::string_view name);

// UNIMPLEMENTED: what a call to a service that is not installed is answered.
absl::Status NotInstalled(absl::string_view service);

}  // namespace rapport::gateway
