#include "services/runtime/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "grpc/health/v1/health.pb.h"
#include "services/runtime/base/clock.h"
#include "services/runtime/base/status.h"
#include "services/runtime/rpc/credentials.h"
#include "services/runtime/rpc/grpc_log.h"
#include "services/runtime/rpc/keep_awake.h"
#include "services/runtime/rpc/raw_service.h"
#include "services/runtime/rpc/stream_reactor.h"
#include "services/runtime/rpc/wire.h"

namespace rapport {
namespace {

using google::protobuf::Message;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

// On one connection; the caller's gRPC keeps the rest. With some kilobytes for each this bounds
// what one caller can make us hold.
constexpr int kMaxCallsPerConnection = 4096;
// Only reflection takes a thread for each of its streams; what is beyond is refused.
constexpr int kMaxReflectionThreads = 8;

CallMetadata ReadMetadata(const grpc::CallbackServerContext& context) {
  CallMetadata metadata;
  for (const auto& [key, value] : context.client_metadata()) {
    const absl::string_view name(key.data(), key.size());
    if (name == kConsistencyTokenKey) {
      metadata.consistency_token.assign(value.data(), value.size());
    } else if (name == kActorKey) {
      metadata.actor.assign(value.data(), value.size());
    } else if (name == kTraceparentKey) {
      metadata.traceparent.assign(value.data(), value.size());
    } else if (name == kReadKey) {
      metadata.read.assign(value.data(), value.size());
    } else if (name == kRoutedKey) {
      metadata.routed = true;
    }
  }
  const auto deadline = context.deadline();
  if (deadline != std::chrono::system_clock::time_point::max()) {
    metadata.deadline = SteadyNow() + (absl::FromChrono(deadline) - absl::Now());
  }
  return metadata;
}

// Puts the caller's own name in the place of what only an instance may say (decision 0014).
absl::Status Identify(const grpc::CallbackServerContext& context, const Tls* tls,
                      bool for_instances, CallMetadata* metadata) {
  if (tls == nullptr || !tls->mutual()) return absl::OkStatus();
  const std::vector<std::string> names = PeerNames(*context.auth_context());
  if (metadata->routed || for_instances) {
    RETURN_IF_ERROR(CheckInstance(names, tls->instances()));
  }
  ASSIGN_OR_RETURN(metadata->actor, ActorOf(names, tls->instances(), metadata->actor));
  return absl::OkStatus();
}

// Finishes an RPC, once. What it points at is gRPC's and lives until then, whatever the client
// does in the meantime.
class Answer {
 public:
  Answer(grpc::CallbackServerContext* context, grpc::ServerUnaryReactor* reactor,
         grpc::ByteBuffer* response)
      : context_(context), reactor_(reactor), response_(response) {}
  Answer(Answer&& other) noexcept
      : context_(other.context_),
        reactor_(std::exchange(other.reactor_, nullptr)),
        response_(other.response_) {}
  ~Answer() {
    if (reactor_ != nullptr) {
      reactor_->Finish(grpc::Status(grpc::StatusCode::INTERNAL, "the call was dropped"));
    }
  }

  void operator()(Reply reply) {
    if (!IsMetadataValue(reply.consistency_token)) {
      reply = {.status = absl::InternalError("the consistency token cannot be sent")};
    }
    if (!reply.consistency_token.empty()) {
      context_->AddTrailingMetadata(kConsistencyTokenKey, reply.consistency_token);
    }
    if (reply.repeat) context_->AddTrailingMetadata(kRepeatKey, "true");
    if (reply.status.ok()) *response_ = ToByteBuffer(std::move(reply.body));
    std::exchange(reactor_, nullptr)->Finish(ToGrpcStatus(reply.status));
  }

 private:
  grpc::CallbackServerContext* context_;
  grpc::ServerUnaryReactor* reactor_;
  grpc::ByteBuffer* response_;
};

const Message* RequestPrototype(const MethodDescriptor& method) {
  return google::protobuf::MessageFactory::generated_factory()->GetPrototype(method.input_type());
}

UnaryMethod MakeUnaryMethod(const MethodDescriptor* method, const ServerOptions& options) {
  const auto& peers = options.for_instances;
  const bool for_instances =
      std::find(peers.begin(), peers.end(), method->service()) != peers.end();
  return [method, handler = options.handler, tls = options.tls, for_instances,
          prototype = RequestPrototype(*method)](
             grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
             grpc::ByteBuffer* response) -> grpc::ServerUnaryReactor* {
    // The context's own reactor is the one that gRPC finishes without another change of thread.
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    auto call = std::make_unique<Call>();
    call->method = method;
    call->request = prototype->New(&call->arena);
    call->metadata = ReadMetadata(*context);
    call->done = Answer(context, reactor, response);
    const absl::Status known = Identify(*context, tls.get(), for_instances, &call->metadata);
    if (!known.ok()) {
      Finish(std::move(call), known);
    } else if (Parse(*request, *call->request)) {
      handler->Handle(std::move(call));
    } else {
      Finish(std::move(call), absl::InvalidArgumentError(absl::StrCat(
                                  "the request is not a ", method->input_type()->full_name())));
    }
    return reactor;
  };
}

BidiMethod MakeBidiMethod(const MethodDescriptor* method, const ServerOptions& options) {
  return [factory = options.streams.at(method->full_name()), tls = options.tls,
          prototype =
              RequestPrototype(*method)](grpc::CallbackServerContext* context) -> BidiReactor* {
    auto* stream = new StreamReactor(context, *prototype);
    CallMetadata metadata = ReadMetadata(*context);
    if (absl::Status known = Identify(*context, tls.get(), false, &metadata); !known.ok()) {
      stream->Finish(std::move(known));
    } else {
      stream->Open(factory, std::move(metadata));
    }
    return stream;
  };
}

// Empty if the method can be served, otherwise why not.
std::string WhyNot(const ServerOptions& options, const MethodDescriptor& method) {
  if (RequestPrototype(method) == nullptr) return "its request is not linked in";
  if (method.client_streaming() != method.server_streaming()) return "it streams one way only";
  if (method.client_streaming()) {
    return options.streams.count(method.full_name()) > 0 ? "" : "no stream is given for it";
  }
  const bool handled = options.handler != nullptr && options.handles && options.handles(method);
  return handled ? "" : "it has no handler";
}

absl::Status CheckOptions(const ServerOptions& options) {
  std::vector<std::string> unserved;
  std::set<std::string> unknown_streams;
  for (const auto& [name, factory] : options.streams) unknown_streams.insert(name);
  for (const ServiceDescriptor* service : options.services) {
    for (int i = 0; i < service->method_count(); ++i) {
      const MethodDescriptor& method = *service->method(i);
      const std::string why_not = WhyNot(options, method);
      if (!why_not.empty()) {
        unserved.push_back(absl::StrCat(method.full_name(), " (", why_not, ")"));
      }
      if (method.client_streaming()) unknown_streams.erase(method.full_name());
    }
  }
  if (!unserved.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot be served: ", absl::StrJoin(unserved, ", ")));
  }
  if (!unknown_streams.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("no method streams like this: ", absl::StrJoin(unknown_streams, ", ")));
  }
  return absl::OkStatus();
}

}  // namespace

struct GrpcServer::Running {
  std::vector<std::unique_ptr<grpc::Service>> services;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<KeepAwake> keep_awake;
};

GrpcServer::GrpcServer(ServerOptions options) : options_(std::move(options)) {}

GrpcServer::~GrpcServer() {
  Shutdown(absl::InfinitePast());
}

absl::Status GrpcServer::Start() {
  if (absl::Status checked = CheckOptions(options_); !checked.ok()) return checked;
  // Switches of the whole process; to set them again changes nothing. The health messages are named
  // so that they are linked: reflection must be able to describe every service that it lists.
  grpc::health::v1::HealthCheckRequest::descriptor();
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  TakeGrpcLog();

  auto running = std::make_unique<Running>();
  const MethodMaker maker = {
      .unary = [this](const auto* method) { return MakeUnaryMethod(method, options_); },
      .bidi = [this](const auto* method) { return MakeBidiMethod(method, options_); },
  };
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options_.address, ServerCredentials(options_.tls.get()), &port_);
  builder.SetMaxReceiveMessageSize(options_.max_message_bytes);
  builder.SetMaxSendMessageSize(options_.max_message_bytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxCallsPerConnection);
  // Half of the client's period: gRPC hangs up on whoever pings more often than it allows.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kKeepAlivePeriodMs / 2);
  builder.SetResourceQuota(grpc::ResourceQuota().SetMaxThreads(kMaxReflectionThreads));
  // Two servers on one port would each get half of the calls: refuse instead.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  for (const ServiceDescriptor* service : options_.services) {
    running->services.push_back(MakeRawService(*service, maker));
    builder.RegisterService(running->services.back().get());
  }
  running->server = builder.BuildAndStart();
  if (running->server == nullptr || port_ == 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", options_.address));
  }
  for (const ServiceDescriptor* service : options_.services) {
    const auto& not_serving = options_.not_serving;
    running->server->GetHealthCheckService()->SetServingStatus(
        service->full_name(),
        std::find(not_serving.begin(), not_serving.end(), service) == not_serving.end());
  }
  running->keep_awake = std::make_unique<KeepAwake>(running->server->InProcessChannel({}));
  running_ = std::move(running);
  return absl::OkStatus();
}

void GrpcServer::Shutdown(absl::Time deadline) {
  if (running_ == nullptr) return;
  running_->server->GetHealthCheckService()->Shutdown();
  running_->keep_awake = nullptr;
  running_->server->Shutdown(ToDeadline(deadline));
  running_->server->Wait();
  running_ = nullptr;
}

}  // namespace rapport
