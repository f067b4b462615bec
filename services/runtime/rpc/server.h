// The gRPC server: serves whole services from their descriptors, without code per RPC.
//
//   const auto* pool = google::protobuf::DescriptorPool::generated_pool();
//   GrpcServer server({.address = "127.0.0.1:0",
//                      .services = {pool->FindServiceByName("rapport.service.v1.Service")},
//                      .handler = &service,
//                      .handles = [&](const auto& method) { return service.Handles(method); }});
//   RETURN_IF_ERROR(server.Start());
//   …
//   server.Shutdown(absl::Now() + kDrain);
//
// Unary calls become Calls for the handler, streams become StreamSessions. Health checking
// (grpc.health.v1) and reflection are always on. Plain text, or with ServerOptions.tls nothing but
// TLS; where that asks callers for certificates, these say who acts (runtime/tls/caller.h).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "services/runtime/rpc/call.h"
#include "services/runtime/rpc/stream.h"
#include "services/runtime/tls/tls.h"

namespace rapport {

// gRPC's own default, and far above a row (64 KiB) or a page of rows.
inline constexpr int kMaxMessageBytes = 4 << 20;

struct ServerOptions {
  // host:port; port 0 takes a free one.
  std::string address = "127.0.0.1:0";
  std::vector<const google::protobuf::ServiceDescriptor*> services;
  // Gets the unary calls, on gRPC's threads, several at a time; it may finish them on any thread.
  // It must finish every call, also one whose client has gone; one that it drops is answered
  // INTERNAL. Outlives the server.
  Handler* handler = nullptr;
  // Whether the handler answers this unary method. The server does not start unless it answers all.
  std::function<bool(const google::protobuf::MethodDescriptor&)> handles;
  // Those of `services` that other instances call, and nobody else where certificates tell them.
  std::vector<const google::protobuf::ServiceDescriptor*> for_instances;
  // Those of `services` whose health is NOT_SERVING, though their methods are answered.
  std::vector<const google::protobuf::ServiceDescriptor*> not_serving;
  // Who answers the methods that stream both ways, by full name: rapport.gateway.v1.Gateway.Import.
  std::map<std::string, StreamFactory> streams;
  // Larger requests and answers are refused with RESOURCE_EXHAUSTED.
  int max_message_bytes = kMaxMessageBytes;
  // Null: plain text.
  std::shared_ptr<const Tls> tls;
};

// Threads: Start and Shutdown from one thread, port from any.
class GrpcServer {
 public:
  explicit GrpcServer(ServerOptions options);
  // Shuts down without waiting for the calls' own end, if Shutdown was not called.
  ~GrpcServer();
  GrpcServer(const GrpcServer&) = delete;

  // FAILED_PRECONDITION names every method that nobody answers, or that streams one way only;
  // INVALID_ARGUMENT names a stream that is no method of the services; UNAVAILABLE if the address
  // cannot be listened on.
  absl::Status Start();
  // What is listened on, from Start on.
  int port() const { return port_; }
  // Takes no new calls, lets those under way finish until the deadline, then cancels them, and
  // returns when the last has been finished. Health says NOT_SERVING from the start of it.
  void Shutdown(absl::Time deadline);

 private:
  struct Running;

  ServerOptions options_;
  int port_ = 0;
  std::unique_ptr<Running> running_;
};

}  // namespace rapport
