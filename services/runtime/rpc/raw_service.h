// A gRPC service made from its descriptor: every method as bytes, no generated class.
//
// This is the one place that touches grpc::internal, in the way in which generated code does; the
// way out, should it go, is grpc::CallbackGenericService, which costs the reflection listing.
#pragma once

#include <grpcpp/impl/service_type.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>

#include "google/protobuf/descriptor.h"

namespace rapport {

// Called for every call, on gRPC's threads, several at a time. The pointers are valid until the
// reactor is done.
using UnaryMethod = std::function<grpc::ServerUnaryReactor*(
    grpc::CallbackServerContext*, const grpc::ByteBuffer* request, grpc::ByteBuffer* response)>;
using BidiReactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;
using BidiMethod = std::function<BidiReactor*(grpc::CallbackServerContext*)>;

// Called once for each method that is not, or is, streamed both ways.
struct MethodMaker {
  std::function<UnaryMethod(const google::protobuf::MethodDescriptor*)> unary;
  std::function<BidiMethod(const google::protobuf::MethodDescriptor*)> bidi;
};

// `service` must have no method that streams one way only.
std::unique_ptr<grpc::Service> MakeRawService(const google::protobuf::ServiceDescriptor& service,
                                              const MethodMaker& maker);

}  // namespace rapport
