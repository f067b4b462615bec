#include "services/runtime/rpc/stream.h"

#include <utility>

#include "services/runtime/rpc/stream_reactor.h"
#include "services/runtime/rpc/wire.h"

// gRPC is called with the mutex free, since it may call back on the same thread. One read and one
// write are under way at most, so that what was decided under the mutex still holds then.
namespace rapport {

void StreamReactor::Open(const StreamFactory& factory, CallMetadata metadata) {
  session_ = factory(std::move(metadata), *this);
}

void StreamReactor::Next() {
  {
    std::lock_guard lock(mutex_);
    if (broken_) return;
    next_is_held_back_ = unsent_.size() > kMaxUnsentResponses;
    if (next_is_held_back_) return;
  }
  StartRead(&incoming_);
}

void StreamReactor::Write(std::string response) {
  const grpc::ByteBuffer* first = nullptr;
  {
    std::lock_guard lock(mutex_);
    if (broken_) return;
    unsent_.push_back(ToByteBuffer(std::move(response)));
    if (unsent_.size() == 1) first = &unsent_.front();
  }
  if (first != nullptr) StartWrite(first);
}

void StreamReactor::Finish(absl::Status status) {
  {
    std::lock_guard lock(mutex_);
    finished_ = true;
    if (!broken_) status_ = std::move(status);
    if (!unsent_.empty()) return;
  }
  BidiReactor::Finish(ToGrpcStatus(status_));
}

void StreamReactor::OnReadDone(bool ok) {
  {
    std::lock_guard lock(mutex_);
    if (broken_ || finished_) return;
  }
  if (!ok) {
    // A read that fails because the call is cancelled is followed by OnCancel.
    if (!context_.IsCancelled()) session_->OnHalfClose();
    return;
  }
  std::unique_ptr<google::protobuf::Message> message(prototype_.New());
  if (!Parse(incoming_, *message)) {
    return Break(absl::InvalidArgumentError("the message is not a " + message->GetTypeName()));
  }
  incoming_.Clear();
  session_->OnMessage(std::move(message));
}

void StreamReactor::OnWriteDone(bool ok) {
  const grpc::ByteBuffer* following = nullptr;
  bool read = false;
  bool finish = false;
  {
    std::lock_guard lock(mutex_);
    unsent_.pop_front();
    if (!ok || broken_) unsent_.clear();
    if (!unsent_.empty()) following = &unsent_.front();
    read = !finished_ && next_is_held_back_ && unsent_.size() <= kMaxUnsentResponses;
    if (read) next_is_held_back_ = false;
    finish = finished_ && unsent_.empty();
  }
  if (following != nullptr) StartWrite(following);
  if (read) StartRead(&incoming_);
  if (finish) BidiReactor::Finish(ToGrpcStatus(status_));
}

void StreamReactor::OnCancel() {
  Break(absl::CancelledError("the other side has gone"));
}

void StreamReactor::Break(absl::Status error) {
  {
    std::lock_guard lock(mutex_);
    if (broken_) return;
    broken_ = true;
    if (finished_) return;
    status_ = std::move(error);
  }
  session_->OnCancel();
}

}  // namespace rapport
