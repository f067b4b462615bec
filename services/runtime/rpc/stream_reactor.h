// A Stream over gRPC: see stream.h for what it promises.
#pragma once

#include <grpcpp/server_context.h>

#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "services/runtime/rpc/raw_service.h"
#include "services/runtime/rpc/stream.h"

namespace rapport {

// Owns itself: gone when gRPC has done with it.
class StreamReactor final : public BidiReactor, public Stream {
 public:
  StreamReactor(grpc::CallbackServerContext* context, const google::protobuf::Message& prototype)
      : context_(*context), prototype_(prototype) {}
  // Before anything else: the session may use the stream while it is being made.
  void Open(const StreamFactory& factory, CallMetadata metadata);

  void Next() override;
  void Write(std::string response) override;
  void Finish(absl::Status status) override;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override { delete this; }

 private:
  void Break(absl::Status error);

  grpc::CallbackServerContext& context_;
  const google::protobuf::Message& prototype_;
  std::unique_ptr<StreamSession> session_;
  grpc::ByteBuffer incoming_;

  std::mutex mutex_;
  // The first is being written.
  std::deque<grpc::ByteBuffer> unsent_;
  bool next_is_held_back_ = false;
  bool broken_ = false;
  bool finished_ = false;
  // The session's word, unless the stream broke before.
  absl::Status status_;
};

}  // namespace rapport
