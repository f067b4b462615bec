// A remote Handler: sends calls over gRPC by the method's full name, without code per RPC.
//
//   GrpcClient accounts("127.0.0.1:7101");
//   accounts.Handle(std::move(call));   // call->done gets what the other side's handler replied
//
// The request, metadata and deadline of the call go out as they are; the reply comes back with its
// status and details, consistency token and repeat mark.
#pragma once

#include <memory>
#include <string>

#include "services/runtime/rpc/call.h"

namespace grpc {
class ChannelCredentials;
}

namespace rapport {

// Threads: Handle may be called from any thread; `done` runs on one of gRPC's and must not block.
// A call without a deadline waits for ever.
class GrpcClient : public Handler {
 public:
  // Connects at the first call, and again whenever the connection is lost; calls fail UNAVAILABLE
  // while there is none.
  // Plain text without credentials (credentials.h).
  explicit GrpcClient(const std::string& address,
                      std::shared_ptr<grpc::ChannelCredentials> credentials = nullptr);
  // Calls under way are given up, and end with UNAVAILABLE before this returns: it is unknown what
  // became of them. Not to be destroyed by a call's `done`.
  ~GrpcClient() override;

  void Handle(CallPtr call) override;

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace rapport
