// One stream of requests and responses, as the session that answers it sees it.
//
// Back-pressure goes both ways without the session counting: a message comes only when the session
// has asked for it, and while more than kMaxUnsentResponses responses wait for a slow reader, what
// the session asks for is held back. A session that answers each message and asks again when it has
// done so therefore holds a bounded number of messages, however fast or slow the other side is.
//
//   class Echo : public StreamSession {
//     explicit Echo(Stream& stream) : stream_(stream) { stream_.Next(); }
//     void OnMessage(std::unique_ptr<Message> message) override {
//       stream_.Write(message->SerializeAsString());
//       stream_.Next();
//     }
//     void OnHalfClose() override { stream_.Finish(absl::OkStatus()); }
//     void OnCancel() override { stream_.Finish(absl::CancelledError()); }
//   };
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "services/runtime/rpc/call.h"

namespace rapport {

// The transport's side. Any thread may call it, until Finish has been called.
class Stream {
 public:
  virtual ~Stream() = default;
  // Asks for one more message, or the half-close in its place. Not again before it has come.
  virtual void Next() = 0;
  // Sends a serialised response after those written before. Never blocks, never fails: what can no
  // longer be sent is dropped, and OnCancel says so.
  virtual void Write(std::string response) = 0;
  // Ends the stream once all that was written is sent. To be called exactly once, in every case,
  // when nothing that the session has started can touch the stream or the session any more.
  virtual void Finish(absl::Status status) = 0;
};

// The service's side. OnMessage and OnHalfClose come one at a time; OnCancel may come while they
// run, on another thread. The session is destroyed some time after it has called Finish; a message
// that it had asked for may still come in between.
class StreamSession {
 public:
  virtual ~StreamSession() = default;
  virtual void OnMessage(std::unique_ptr<google::protobuf::Message> message) = 0;
  // The other side will send nothing more and waits for the rest of the responses.
  virtual void OnHalfClose() = 0;
  // The other side is gone, the deadline is past or a message was not readable: nothing will be
  // read or sent any more. Comes at most once; the session still has to call Finish.
  virtual void OnCancel() = 0;
};

// Makes the session of a new stream. It may use the stream at once. Called on any thread, several
// at a time.
using StreamFactory = std::function<std::unique_ptr<StreamSession>(CallMetadata, Stream&)>;

// Enough to keep a reader busy across one round trip; what waits is small answers.
inline constexpr int kMaxUnsentResponses = 64;

}  // namespace rapport
