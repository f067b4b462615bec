// Keeps gRPC's callback threads from sleeping while a server runs.
//
// The two threads that run all callbacks of a process sleep for 100 ms whenever a second has passed
// without work for them (src/cpp/common/completion_queue_cc.cc), and a call that comes then waits:
// measured, one in twenty on a quiet server, up to 91 ms. A call to ourselves twice a second always
// leaves at least one of them awake.
#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <stop_token>
#include <thread>

namespace rapport {

class KeepAwake {
 public:
  // The channel leads to a server of this process.
  explicit KeepAwake(std::shared_ptr<grpc::Channel> channel);
  // Stops at once, unless a call is under way.
  ~KeepAwake() = default;

 private:
  std::jthread thread_;
};

}  // namespace rapport
