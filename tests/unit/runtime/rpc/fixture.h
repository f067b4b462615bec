// A real server on a free port of the loopback, a handler that the test steers, and clients.
#pragma once

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "services/runtime/rpc/client.h"
#include "services/runtime/rpc/server.h"

namespace rapport {

const google::protobuf::ServiceDescriptor* FindService(const std::string& name);
const google::protobuf::MethodDescriptor* FindMethod(const std::string& name);

// Answers GetCase with a Case of the name that was asked for, except that
//   …/refused  is refused with details,      …/dropped  is dropped unanswered,
//   …/held     waits for ReleaseHeld,        …/large    has a description of 3,000 bytes.
class CaseHandler : public Handler {
 public:
  void Handle(CallPtr call) override;

  CallMetadata last_metadata();
  void WaitForHeld();
  void ReleaseHeld();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  CallMetadata last_metadata_;
  std::vector<CallPtr> held_;
};

// A client's end of a stream, blocking.
class BlockingStream : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  BlockingStream(grpc::GenericStub& stub, const std::string& path);
  ~BlockingStream() override;

  void Send(const std::string& bytes);
  void HalfClose() { StartWritesDone(); }
  void Cancel() { context_.TryCancel(); }
  // The next response; nothing after the last.
  std::optional<std::string> Receive();
  // After the last response, or a cancellation.
  grpc::Status WaitForEnd();

  void OnWriteDone(bool ok) override;
  void OnReadDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool written_ = false;
  std::optional<bool> read_;
  std::optional<grpc::Status> end_;
  grpc::ClientContext context_;
  grpc::ByteBuffer outgoing_;
  grpc::ByteBuffer incoming_;
};

class RpcTest : public testing::Test {
 protected:
  // The options of a server for rapport.service.v1.Service.
  ServerOptions Options();
  void StartServer() { StartServer(Options()); }
  void StartServer(ServerOptions options);

  CallPtr GetCase(const std::string& name);
  // Sends the call and waits for the reply.
  Reply Ask(CallPtr call);
  Reply Ask(const std::string& name) { return Ask(GetCase(name)); }
  // Sends a call that the handler holds, and returns when it does.
  std::future<Reply> AskHeld();
  // Sends bytes as they are.
  grpc::Status AskRaw(const std::string& path, const std::string& bytes, std::string* response);

  CaseHandler handler_;
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<GrpcClient> client_;
  std::unique_ptr<grpc::GenericStub> stub_;
};

}  // namespace rapport
