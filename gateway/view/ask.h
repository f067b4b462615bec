// Calls from the gateway to a service on behalf of a caller.
//
// Threads: any.
#pragma once

#include "gateway/gateway.h"

namespace rapport::gateway {

// Calls `method` ("ListOrders") of a backend with the caller's metadata. `fill` sets the request.
template <class Request>
void Ask(const Backend& backend, const char* method, const CallMetadata& metadata,
         absl::AnyInvocable<void(Request&)> fill, absl::AnyInvocable<void(Reply)> done) {
  auto call = std::make_unique<Call>();
  call->method = backend.rpc->FindMethodByName(method);
  auto* request = google::protobuf::Arena::CreateMessage<Request>(&call->arena);
  fill(*request);
  call->request = request;
  call->metadata = metadata;
  call->done = std::move(done);
  backend.handler->Handle(std::move(call));
}

// Joins the consistency tokens that several answers carried.
std::string JoinTokens(const std::vector<std::string>& tokens);

// The backend of this name; null where it is not installed.
const Backend* FindBackend(const std::vector<Backend>& backends, absl::string_view name);

}  // namespace rapport::gateway
