#include "services/runtime/rpc/stream.h"

#include <atomic>

#include "gmock/gmock.h"
#include "rapport/gateway/v1/import.pb.h"
#include "tests/unit/runtime/rpc/fixture.h"

namespace rapport {
namespace {

using gateway::v1::ImportRequest;
using gateway::v1::ImportResponse;
using google::protobuf::Message;
using testing::HasSubstr;

constexpr char kImportPath[] = "/rapport.gateway.v1.Gateway/Import";

// What a session and its test tell each other.
struct Story {
  std::atomic<int> sessions = 0;
  std::atomic<int> messages = 0;
  std::atomic<bool> cancelled = false;
  std::atomic<bool> destroyed = false;
  std::string actor;
  std::string padding;
};

// std::atomic's own wait: no time passes unnoticed and none is named.
template <class T>
void WaitUntilAtLeast(const std::atomic<T>& value, T wanted) {
  for (T now = value; now < wanted; now = value) value.wait(now);
}

template <class T>
void Set(std::atomic<T>& value, T now) {
  value = now;
  value.notify_all();
}

// Answers each row and asks for the next when it has; a row below zero ends it with an error.
class RowSession : public StreamSession {
 public:
  RowSession(Stream& stream, Story& story) : stream_(stream), story_(story) { stream_.Next(); }
  ~RowSession() override { Set(story_.destroyed, true); }

  void OnMessage(std::unique_ptr<Message> message) override {
    const auto& request = static_cast<const ImportRequest&>(*message);
    ImportResponse response;
    response.set_row(request.row());
    response.set_name(story_.padding);
    Set(story_.messages, story_.messages + 1);
    if (request.row() < 0) return stream_.Finish(absl::OutOfRangeError("a row below zero"));
    stream_.Write(response.SerializeAsString());
    stream_.Next();
  }
  void OnHalfClose() override { stream_.Finish(absl::OkStatus()); }
  void OnCancel() override {
    Set(story_.cancelled, true);
    stream_.Finish(absl::OkStatus());
  }

 private:
  Stream& stream_;
  Story& story_;
};

class StreamTest : public RpcTest {
 protected:
  void SetUp() override {
    ServerOptions options = Options();
    options.services = {FindService("rapport.gateway.v1.Gateway")};
    options.streams["rapport.gateway.v1.Gateway.Import"] = [this](CallMetadata metadata,
                                                                  Stream& stream) {
      ++story_.sessions;
      return std::make_unique<RowSession>(stream, story_);
    };
    StartServer(std::move(options));
  }
  void TearDown() override { server_->Shutdown(absl::InfiniteFuture()); }

  static std::string Row(int row) {
    ImportRequest request;
    request.set_row(row);
    return request.SerializeAsString();
  }
  static int RowOf(const std::string& bytes) {
    ImportResponse response;
    EXPECT_TRUE(response.ParseFromString(bytes));
    return response.row();
  }

  Story story_;
};

TEST_F(StreamTest, AnswersInOrderAndEndsAfterTheHalfClose) {
  BlockingStream stream(*stub_, kImportPath);
  for (int row = 1; row <= 100; ++row) stream.Send(Row(row));
  stream.HalfClose();
  for (int row = 1; row <= 100; ++row) EXPECT_EQ(RowOf(stream.Receive().value()), row);
  EXPECT_EQ(stream.Receive(), std::nullopt);
  EXPECT_TRUE(stream.WaitForEnd().ok());
}

TEST_F(StreamTest, AnEmptyStreamEndsWell) {
  BlockingStream stream(*stub_, kImportPath);
  stream.HalfClose();
  EXPECT_EQ(stream.Receive(), std::nullopt);
  EXPECT_TRUE(stream.WaitForEnd().ok());
}

TEST_F(StreamTest, AReaderMayStartLate) {
  // Far more than the network takes up, so that the session has to wait for its reader.
  story_.padding = std::string(256 << 10, 'x');
  constexpr int kRows = 300;
  BlockingStream stream(*stub_, kImportPath);
  for (int row = 1; row <= kRows; ++row) stream.Send(Row(row));
  stream.HalfClose();
  WaitUntilAtLeast(story_.messages, kMaxUnsentResponses + 1);
  for (int row = 1; row <= kRows; ++row) EXPECT_EQ(RowOf(stream.Receive().value()), row);
  EXPECT_EQ(stream.Receive(), std::nullopt);
  EXPECT_TRUE(stream.WaitForEnd().ok());
}

TEST_F(StreamTest, ASessionMayEndWithAnErrorAfterItsLastAnswer) {
  BlockingStream stream(*stub_, kImportPath);
  stream.Send(Row(1));
  stream.Send(Row(-1));
  EXPECT_EQ(RowOf(stream.Receive().value()), 1);
  EXPECT_EQ(stream.Receive(), std::nullopt);
  EXPECT_EQ(stream.WaitForEnd().error_code(), grpc::StatusCode::OUT_OF_RANGE);
}

TEST_F(StreamTest, TellsTheSessionOfACancellation) {
  BlockingStream stream(*stub_, kImportPath);
  stream.Send(Row(1));
  EXPECT_EQ(RowOf(stream.Receive().value()), 1);
  stream.Cancel();
  WaitUntilAtLeast(story_.cancelled, true);
  WaitUntilAtLeast(story_.destroyed, true);
  EXPECT_EQ(stream.WaitForEnd().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(StreamTest, RefusesWhatIsNotTheMessage) {
  BlockingStream stream(*stub_, kImportPath);
  stream.Send("\xff\xff\xff");
  EXPECT_EQ(stream.Receive(), std::nullopt);
  const grpc::Status status = stream.WaitForEnd();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("rapport.gateway.v1.ImportRequest"));
  EXPECT_EQ(story_.messages, 0);
}

TEST_F(StreamTest, ServesSeveralStreamsSideBySide) {
  BlockingStream first(*stub_, kImportPath);
  BlockingStream second(*stub_, kImportPath);
  first.Send(Row(1));
  second.Send(Row(2));
  EXPECT_EQ(RowOf(second.Receive().value()), 2);
  EXPECT_EQ(RowOf(first.Receive().value()), 1);
  EXPECT_EQ(story_.sessions, 2);
  first.HalfClose();
  second.HalfClose();
}

TEST_F(StreamTest, ShutdownCancelsStreams) {
  BlockingStream stream(*stub_, kImportPath);
  stream.Send(Row(1));
  EXPECT_EQ(RowOf(stream.Receive().value()), 1);
  server_->Shutdown(absl::InfinitePast());
  EXPECT_TRUE(story_.cancelled);
  EXPECT_TRUE(story_.destroyed);
}

}  // namespace
}  // namespace rapport
