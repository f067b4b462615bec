// The stream over a transport that the test moves on step by step.
#include "services/runtime/rpc/stream_reactor.h"

#include <optional>
#include <vector>

#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"
#include "services/runtime/rpc/wire.h"

namespace rapport {
namespace {

using google::protobuf::Int32Value;

// Reads and writes are done when the test says so.
class Transport : public grpc::ServerCallbackReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  explicit Transport(BidiReactor& reactor) : reactor_(reactor) { BindReactor(&reactor); }

  void Read(grpc::ByteBuffer* message) override { reading = message; }
  void Write(const grpc::ByteBuffer* message, grpc::WriteOptions) override { writing = message; }
  void WriteAndFinish(const grpc::ByteBuffer*, grpc::WriteOptions, grpc::Status) override {}
  void Finish(grpc::Status status) override { end = status; }
  void SendInitialMetadata() override {}

  void CompleteRead(int value) {
    Int32Value message;
    message.set_value(value);
    *std::exchange(reading, nullptr) = Serialise(message);
    reactor_.OnReadDone(true);
  }
  void HalfClose() {
    reading = nullptr;
    reactor_.OnReadDone(false);
  }
  int CompleteWrite() {
    Int32Value message;
    EXPECT_TRUE(Parse(*std::exchange(writing, nullptr), message));
    reactor_.OnWriteDone(true);
    return message.value();
  }
  void FailWrite() {
    writing = nullptr;
    reactor_.OnWriteDone(false);
  }

  grpc::ByteBuffer* reading = nullptr;
  const grpc::ByteBuffer* writing = nullptr;
  std::optional<grpc::Status> end;

 private:
  grpc::internal::ServerReactor* reactor() override { return &reactor_; }
  void CallOnDone() override {}

  BidiReactor& reactor_;
};

class Echo : public StreamSession {
 public:
  explicit Echo(Stream& stream) : stream_(stream) { stream_.Next(); }
  void OnMessage(std::unique_ptr<google::protobuf::Message> message) override {
    stream_.Write(message->SerializeAsString());
    stream_.Next();
  }
  void OnHalfClose() override { stream_.Finish(absl::OkStatus()); }
  void OnCancel() override { stream_.Finish(absl::UnknownError("the session's word")); }

 private:
  Stream& stream_;
};

class StreamReactorTest : public testing::Test {
 protected:
  StreamReactorTest() : reactor_(*new StreamReactor(&context_, Int32Value::default_instance())) {
    reactor_.Open([](CallMetadata, Stream& stream) { return std::make_unique<Echo>(stream); }, {});
    transport_.emplace(reactor_);
  }
  ~StreamReactorTest() override { reactor_.OnDone(); }

  // As far as the stream reads while nothing is written.
  int ReadAll() {
    int read = 0;
    while (transport_->reading != nullptr) transport_->CompleteRead(read++);
    return read;
  }

  grpc::CallbackServerContext context_;
  StreamReactor& reactor_;
  std::optional<Transport> transport_;
};

TEST_F(StreamReactorTest, StopsReadingWhenTheReaderDoesNotFollow) {
  EXPECT_EQ(ReadAll(), kMaxUnsentResponses + 1);
  EXPECT_EQ(transport_->CompleteWrite(), 0);
  EXPECT_EQ(ReadAll(), 1);
}

TEST_F(StreamReactorTest, WritesInOrderAndEndsAfterTheLast) {
  for (int i = 0; i < 3; ++i) transport_->CompleteRead(i);
  transport_->HalfClose();
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(transport_->end.has_value());
    EXPECT_EQ(transport_->CompleteWrite(), i);
  }
  ASSERT_TRUE(transport_->end.has_value());
  EXPECT_TRUE(transport_->end->ok());
}

TEST_F(StreamReactorTest, DropsTheRestWhenAWriteFails) {
  for (int i = 0; i < 3; ++i) transport_->CompleteRead(i);
  reactor_.OnCancel();
  transport_->FailWrite();
  EXPECT_EQ(transport_->writing, nullptr);
  ASSERT_TRUE(transport_->end.has_value());
  EXPECT_EQ(transport_->end->error_code(), grpc::StatusCode::CANCELLED);
}

}  // namespace
}  // namespace rapport
