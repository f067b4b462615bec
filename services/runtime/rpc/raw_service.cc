#include "services/runtime/rpc/raw_service.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/version_info.h>

#include <deque>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

// What is used below has been the same from 1.36 on; another major version wants a look.
static_assert(GRPC_CPP_VERSION_MAJOR == 1 && GRPC_CPP_VERSION_MINOR >= 51,
              "check raw_service.cc against what this gRPC's generated code does");

namespace rapport {
namespace {

using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;
using grpc::internal::RpcMethod;
using UnaryHandler = grpc::internal::CallbackUnaryHandler<grpc::ByteBuffer, grpc::ByteBuffer>;
using BidiHandler = grpc::internal::CallbackBidiHandler<grpc::ByteBuffer, grpc::ByteBuffer>;

class RawService : public grpc::Service {
 public:
  RawService(const ServiceDescriptor& service, const MethodMaker& maker) {
    for (int i = 0; i < service.method_count(); ++i) {
      const MethodDescriptor* method = service.method(i);
      // RpcMethod keeps the pointer only; a deque does not move what it holds.
      paths_.push_back(absl::StrCat("/", service.full_name(), "/", method->name()));
      const bool streams = method->client_streaming();
      AddMethod(new grpc::internal::RpcServiceMethod(
          paths_.back().c_str(), streams ? RpcMethod::BIDI_STREAMING : RpcMethod::NORMAL_RPC,
          nullptr));
      if (streams) {
        MarkMethodRawCallback(i, new BidiHandler(maker.bidi(method)));
      } else {
        MarkMethodRawCallback(i, new UnaryHandler(maker.unary(method)));
      }
    }
  }

 private:
  std::deque<std::string> paths_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeRawService(const ServiceDescriptor& service,
                                              const MethodMaker& maker) {
  return std::make_unique<RawService>(service, maker);
}

}  // namespace rapport
