// One unary call on its way through Rapport, whichever transport it came by.
//
// A transport makes the Call, hands it to a Handler, and gets it finished exactly once, on any
// thread. The reply's body is the serialised response, because rows are kept serialised: what is
// only passed on is never parsed.
#pragma once

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace rapport {

// What travels beside a request: gRPC metadata or HTTP headers.
struct CallMetadata {
  std::string consistency_token;  // Rapport-Consistency-Token, as the caller sent it
  std::string actor;              // who calls: users/{id} or an application
  std::string traceparent;        // W3C trace context
  std::string read;               // Rapport-Read: "strong", or empty
  bool routed = false;            // passed on by another instance, and not to be passed on again
  absl::Time deadline = absl::InfiniteFuture();  // of SteadyNow (base/clock.h)
};

struct Reply {
  absl::Status status;
  std::string body;               // the serialised response message; empty on error
  std::string consistency_token;  // to be sent with the next read
  bool repeat = false;            // the request id had been seen: this is the present state
};

struct Call {
  const google::protobuf::MethodDescriptor* method = nullptr;
  google::protobuf::Arena arena;
  google::protobuf::Message* request = nullptr;  // on the arena
  CallMetadata metadata;
  absl::AnyInvocable<void(Reply)> done;
};
using CallPtr = std::unique_ptr<Call>;

// Finishes a call; the call is gone afterwards.
inline void Finish(CallPtr call, Reply reply) {
  call->done(std::move(reply));
}
inline void Finish(CallPtr call, absl::Status error) {
  call->done(Reply{.status = std::move(error)});
}

// Whoever answers calls: a service in this process, the gateway, or a client of a remote one.
// Handle never blocks on another call and may be called from any thread.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual void Handle(CallPtr call) = 0;
};

}  // namespace rapport
