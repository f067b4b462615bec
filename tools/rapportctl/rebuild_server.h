// Rebuilds of a server that runs: rapport.log.v1.Projections, one projection after another.
//
// Threads: one.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "rapport/log/v1/projections.pb.h"
#include "services/runtime/rpc/call.h"

namespace rapport {

// The projections that the server has, of these services; of all where none is named.
absl::StatusOr<std::vector<log::v1::Projection>> ListProjections(
    Handler& server, const std::vector<std::string>& services);
// Returns when the server has switched to the new one: how many records it took.
absl::StatusOr<int64_t> RebuildProjection(Handler& server, const log::v1::Projection& projection);

}  // namespace rapport
