// A call of one's own to a Handler, on behalf of a caller.
//
// Threads: any.
#pragma once

#include <utility>

#include "services/runtime/rpc/call.h"

namespace rapport {

// Calls `method` ("GetCustomer") of `service` with the caller's metadata. `done` is called once, on
// any thread.
template <class Request>
void Ask(Handler& handler, const google::protobuf::ServiceDescriptor& service, const char* method,
         CallMetadata metadata, const Request& request, absl::AnyInvocable<void(Reply)> done) {
  auto call = std::make_unique<Call>();
  call->method = service.FindMethodByName(method);
  auto* own = google::protobuf::Arena::CreateMessage<Request>(&call->arena);
  *own = request;
  call->request = own;
  call->metadata = std::move(metadata);
  call->done = std::move(done);
  handler.Handle(std::move(call));
}

}  // namespace rapport
