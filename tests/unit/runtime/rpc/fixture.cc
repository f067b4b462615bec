#include "tests/unit/runtime/rpc/fixture.h"

#include <future>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "rapport/service/v1/case.pb.h"
#include "services/runtime/base/status.h"
#include "services/runtime/rpc/wire.h"

namespace rapport {

using google::protobuf::DescriptorPool;

const google::protobuf::ServiceDescriptor* FindService(const std::string& name) {
  return DescriptorPool::generated_pool()->FindServiceByName(name);
}

const google::protobuf::MethodDescriptor* FindMethod(const std::string& name) {
  return DescriptorPool::generated_pool()->FindMethodByName(name);
}

void CaseHandler::Handle(CallPtr call) {
  std::unique_lock lock(mutex_);
  last_metadata_ = call->metadata;
  const std::string& name = static_cast<service::v1::GetCaseRequest*>(call->request)->name();
  if (absl::EndsWith(name, "/held")) {
    held_.push_back(std::move(call));
    changed_.notify_all();
    return;
  }
  lock.unlock();
  if (absl::EndsWith(name, "/dropped")) return;
  if (absl::EndsWith(name, "/refused")) {
    return Finish(std::move(call), Refused("service.rapport", "CASE_CLOSED", name, "is closed"));
  }
  service::v1::Case answer;
  answer.set_name(name);
  if (absl::EndsWith(name, "/large")) answer.set_description(std::string(3000, 'x'));
  Finish(std::move(call), Reply{.body = answer.SerializeAsString(),
                                .consistency_token = "token-of-the-answer",
                                .repeat = absl::EndsWith(name, "/repeat")});
}

CallMetadata CaseHandler::last_metadata() {
  std::lock_guard lock(mutex_);
  return last_metadata_;
}

void CaseHandler::WaitForHeld() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !held_.empty(); });
}

void CaseHandler::ReleaseHeld() {
  std::vector<CallPtr> held;
  {
    std::lock_guard lock(mutex_);
    held.swap(held_);
  }
  for (CallPtr& call : held) Finish(std::move(call), Reply{});
}

BlockingStream::BlockingStream(grpc::GenericStub& stub, const std::string& path) {
  stub.PrepareBidiStreamingCall(&context_, path, grpc::StubOptions(), this);
  // Sends and receives begin outside of gRPC's callbacks: the hold keeps the stream until Receive
  // has seen its end.
  AddHold();
  StartCall();
}

BlockingStream::~BlockingStream() {
  WaitForEnd();
}

void BlockingStream::Send(const std::string& bytes) {
  std::unique_lock lock(mutex_);
  written_ = false;
  outgoing_ = ToByteBuffer(bytes);
  StartWrite(&outgoing_);
  changed_.wait(lock, [this] { return written_; });
}

std::optional<std::string> BlockingStream::Receive() {
  std::unique_lock lock(mutex_);
  read_.reset();
  StartRead(&incoming_);
  changed_.wait(lock, [this] { return read_.has_value(); });
  if (!*read_) return std::nullopt;
  return ToString(incoming_);
}

grpc::Status BlockingStream::WaitForEnd() {
  std::unique_lock lock(mutex_);
  if (!end_) {
    lock.unlock();
    RemoveHold();
    lock.lock();
  }
  changed_.wait(lock, [this] { return end_.has_value(); });
  return *end_;
}

void BlockingStream::OnWriteDone(bool) {
  std::lock_guard lock(mutex_);
  written_ = true;
  changed_.notify_all();
}

void BlockingStream::OnReadDone(bool ok) {
  std::lock_guard lock(mutex_);
  read_ = ok;
  changed_.notify_all();
}

void BlockingStream::OnDone(const grpc::Status& status) {
  std::lock_guard lock(mutex_);
  end_ = status;
  changed_.notify_all();
}

ServerOptions RpcTest::Options() {
  return {.services = {FindService("rapport.service.v1.Service")},
          .handler = &handler_,
          .handles = [](const auto&) { return true; }};
}

void RpcTest::StartServer(ServerOptions options) {
  server_ = std::make_unique<GrpcServer>(std::move(options));
  ASSERT_TRUE(server_->Start().ok());
  const std::string address = absl::StrCat("127.0.0.1:", server_->port());
  client_ = std::make_unique<GrpcClient>(address);
  stub_ = std::make_unique<grpc::GenericStub>(
      grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
}

CallPtr RpcTest::GetCase(const std::string& name) {
  auto call = std::make_unique<Call>();
  call->method = FindMethod("rapport.service.v1.Service.GetCase");
  auto* request = google::protobuf::Arena::CreateMessage<service::v1::GetCaseRequest>(&call->arena);
  request->set_name(name);
  call->request = request;
  return call;
}

Reply RpcTest::Ask(CallPtr call) {
  std::promise<Reply> promise;
  call->done = [&promise](Reply reply) { promise.set_value(std::move(reply)); };
  client_->Handle(std::move(call));
  return promise.get_future().get();
}

std::future<Reply> RpcTest::AskHeld() {
  std::promise<Reply> promise;
  std::future<Reply> future = promise.get_future();
  CallPtr call = GetCase("customers/ada/cases/held");
  call->done = [promise = std::move(promise)](Reply reply) mutable {
    promise.set_value(std::move(reply));
  };
  client_->Handle(std::move(call));
  handler_.WaitForHeld();
  return future;
}

grpc::Status RpcTest::AskRaw(const std::string& path, const std::string& bytes,
                             std::string* response) {
  grpc::ClientContext context;
  const grpc::ByteBuffer outgoing = ToByteBuffer(bytes);
  grpc::ByteBuffer incoming;
  std::promise<grpc::Status> promise;
  stub_->UnaryCall(&context, path, grpc::StubOptions(), &outgoing, &incoming,
                   [&promise](grpc::Status status) { promise.set_value(std::move(status)); });
  grpc::Status status = promise.get_future().get();
  if (response != nullptr) *response = ToString(incoming);
  return status;
}

}  // namespace rapport
