// gRPC to a running server, as far as commands need it before they call.
#pragma once

#include <grpcpp/security/credentials.h>

#include <memory>

#include "absl/status/statusor.h"
#include "tools/rapportctl/connection.h"

namespace rapport {

// Looks whether gRPC is spoken there, so that a wrong port or certificate is said as over REST:
// gRPC tries again and again instead, and keeps the reason short. Answers what its channels want.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ReachGrpc(const ServerAddress& server);

}  // namespace rapport
