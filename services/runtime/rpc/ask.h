// Calls that the program itself makes to a Handler.
//
// Threads: any. `done` is called once, on any thread.
#pragma once

#include <utility>

#include "services/runtime/base/messages.h"
#include "services/runtime/rpc/call.h"

namespace rapport {

// `fill` sets the request, whose type the method says: fill(Message&).
template <class Fill>
void Ask(Handler& handler, const google::protobuf::MethodDescriptor& method, CallMetadata metadata,
         const Fill& fill, absl::AnyInvocable<void(Reply)> done) {
  auto call = std::make_unique<Call>();
  call->method = &method;
  call->request = NewMessage(method.input_type(), &call->arena);
  fill(*call->request);
  call->metadata = std::move(metadata);
  call->done = std::move(done);
  handler.Handle(std::move(call));
}

// Calls `method` ("GetCustomer") of `service`; `fill` is fill(Request&).
template <class Request, class Fill>
void Ask(Handler& handler, const google::protobuf::ServiceDescriptor& service, const char* method,
         CallMetadata metadata, const Fill& fill, absl::AnyInvocable<void(Reply)> done) {
  Ask(
      handler, *service.FindMethodByName(method), std::move(metadata),
      [&fill](google::protobuf::Message& request) { fill(static_cast<Request&>(request)); },
      std::move(done));
}

}  // namespace rapport
