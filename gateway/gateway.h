// The gateway: one API over the four services. Passes each service's RPCs to who answers them, and
// answers itself what no single service can: the customer view and the timeline.
//
// Threads: Handle from any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "services/runtime/rpc/call.h"

namespace rapport::gateway {

// A service that the gateway can reach; accounts, sales, service and marketing in this order.
struct Backend {
  std::string name;
  const google::protobuf::ServiceDescriptor* rpc = nullptr;
  Handler* handler = nullptr;  // null where the service is not installed
};

struct GatewayOptions {
  std::vector<Backend> backends;
  std::string secret;  // signs the timeline's page tokens
};

class Gateway : public Handler {
 public:
  explicit Gateway(GatewayOptions options);

  // UNIMPLEMENTED for what is of a service that is not installed; it is named.
  void Handle(CallPtr call) override;
  // Whether a unary method is answered here or by a backend.
  bool Handles(const google::protobuf::MethodDescriptor& method) const;

 private:
  absl::flat_hash_map<const google::protobuf::ServiceDescriptor*, Backend> routes_;
  std::vector<Backend> installed_;
  const std::string secret_;
};

}  // namespace rapport::gateway
