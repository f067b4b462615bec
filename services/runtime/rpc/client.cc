#include "services/runtime/rpc/client.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>

#include <condition_variable>
#include <mutex>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "services/runtime/base/clock.h"
#include "services/runtime/base/status.h"
#include "services/runtime/rpc/server.h"
#include "services/runtime/rpc/wire.h"

namespace rapport {
namespace {

constexpr int kKeepAliveTimeoutMs = 5'000;
// gRPC would let up to two minutes pass before it tries a restarted server again.
constexpr int kFirstReconnectMs = 100;
constexpr int kLastReconnectMs = 1'000;

// What a call needs until it is answered.
struct Outgoing {
  CallPtr call;
  grpc::ClientContext context;
  grpc::ByteBuffer request;
  grpc::ByteBuffer response;
};

bool IsSendable(const CallMetadata& metadata) {
  return IsMetadataValue(metadata.consistency_token) && IsMetadataValue(metadata.actor) &&
         IsMetadataValue(metadata.traceparent) && IsMetadataValue(metadata.read);
}

void AddMetadata(const CallMetadata& metadata, grpc::ClientContext& context) {
  if (!metadata.consistency_token.empty()) {
    context.AddMetadata(kConsistencyTokenKey, metadata.consistency_token);
  }
  if (!metadata.actor.empty()) context.AddMetadata(kActorKey, metadata.actor);
  if (!metadata.traceparent.empty()) context.AddMetadata(kTraceparentKey, metadata.traceparent);
  if (!metadata.read.empty()) context.AddMetadata(kReadKey, metadata.read);
  if (metadata.routed) context.AddMetadata(kRoutedKey, "true");
  if (metadata.deadline != absl::InfiniteFuture()) {
    context.set_deadline(ToDeadline(absl::Now() + (metadata.deadline - SteadyNow())));
  }
}

Reply ReadReply(const grpc::Status& status, const Outgoing& outgoing) {
  Reply reply{.status = FromGrpcStatus(status)};
  if (status.ok()) reply.body = ToString(outgoing.response);
  for (const auto& [key, value] : outgoing.context.GetServerTrailingMetadata()) {
    const absl::string_view name(key.data(), key.size());
    if (name == kConsistencyTokenKey) {
      reply.consistency_token.assign(value.data(), value.size());
    } else if (name == kRepeatKey) {
      reply.repeat = absl::string_view(value.data(), value.size()) == "true";
    }
  }
  return reply;
}

grpc::ChannelArguments Arguments() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepAlivePeriodMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepAliveTimeoutMs);
  // 0 is: as many as it takes. Otherwise it stops after two.
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstReconnectMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLastReconnectMs);
  return arguments;
}

}  // namespace

// Knows the calls under way: whoever lets go of a channel last must not be one of gRPC's threads,
// which would wait for itself. A call's context holds the channel too.
struct GrpcClient::Connection {
  Connection(const std::string& address,
             const std::shared_ptr<grpc::ChannelCredentials>& credentials)
      : stub(grpc::CreateCustomChannel(address, credentials, Arguments())) {}
  // A peer that hangs would be waited for until the calls' deadlines.
  ~Connection() {
    std::unique_lock lock(mutex);
    ending = true;
    for (grpc::ClientContext* context : unanswered) context->TryCancel();
    idle.wait(lock, [this] { return under_way == 0; });
  }
  void Begin(Outgoing& outgoing) {
    std::lock_guard lock(mutex);
    ++under_way;
    unanswered.insert(&outgoing.context);
  }
  // False where it was given up.
  bool Answered(Outgoing& outgoing) {
    std::lock_guard lock(mutex);
    unanswered.erase(&outgoing.context);
    return !ending;
  }
  void End() {
    std::lock_guard lock(mutex);
    if (--under_way == 0) idle.notify_all();
  }

  grpc::GenericStub stub;
  std::mutex mutex;
  std::condition_variable idle;
  int64_t under_way = 0;
  absl::flat_hash_set<grpc::ClientContext*> unanswered;
  bool ending = false;
};

GrpcClient::GrpcClient(const std::string& address,
                       std::shared_ptr<grpc::ChannelCredentials> credentials)
    : connection_(new Connection(
          address, credentials != nullptr ? credentials : grpc::InsecureChannelCredentials())) {}

GrpcClient::~GrpcClient() = default;

void GrpcClient::Handle(CallPtr call) {
  if (!IsSendable(call->metadata)) {
    return Finish(std::move(call),
                  absl::InvalidArgumentError("the metadata must be printable ASCII"));
  }
  const std::string path =
      absl::StrCat("/", call->method->service()->full_name(), "/", call->method->name());
  auto* outgoing = new Outgoing{.call = std::move(call)};
  AddMetadata(outgoing->call->metadata, outgoing->context);
  outgoing->request = Serialise(*outgoing->call->request);
  connection_->Begin(*outgoing);
  connection_->stub.UnaryCall(
      &outgoing->context, path, grpc::StubOptions(), &outgoing->request, &outgoing->response,
      [outgoing, connection = connection_.get()](const grpc::Status& status) {
        const bool given_up = !connection->Answered(*outgoing);
        Reply reply = ReadReply(status, *outgoing);
        if (given_up && absl::IsCancelled(reply.status)) {
          reply = Reply{.status = Unavailable("given up, as this instance is shutting down")};
        }
        CallPtr call = std::move(outgoing->call);
        delete outgoing;
        Finish(std::move(call), std::move(reply));
        connection->End();
      });
}

}  // namespace rapport
