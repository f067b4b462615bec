#include "services/runtime/rpc/wire.h"

#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

TEST(ByteBuffers, KeepTheBytesOfEveryLength) {
  for (const size_t length : {0, 1, 4095, 4096, 1 << 20}) {
    const std::string bytes(length, 'b');
    EXPECT_EQ(ToString(ToByteBuffer(bytes)), bytes);
  }
  EXPECT_EQ(ToString(grpc::ByteBuffer()), "");
}

TEST(ByteBuffers, HoldMessages) {
  google::protobuf::StringValue value;
  value.set_value("a word");
  google::protobuf::StringValue back;
  ASSERT_TRUE(Parse(Serialise(value), back));
  EXPECT_EQ(back.value(), "a word");
  EXPECT_FALSE(Parse(ToByteBuffer("\xff"), back));
}

TEST(ByteBuffers, ParseWhatCameInPieces) {
  google::protobuf::StringValue value;
  value.set_value("a word");
  const std::string bytes = value.SerializeAsString();
  const grpc::Slice pieces[] = {grpc::Slice(bytes.substr(0, 4)), grpc::Slice(bytes.substr(4))};
  google::protobuf::StringValue back;
  ASSERT_TRUE(Parse(grpc::ByteBuffer(pieces, 2), back));
  EXPECT_EQ(back.value(), "a word");
}

TEST(GrpcStatus, GoesThereAndBack) {
  const absl::Status status = InvalidField("order.lines[2].amount", "must not be negative");
  EXPECT_EQ(FromGrpcStatus(ToGrpcStatus(status)), status);
  EXPECT_TRUE(FromGrpcStatus(ToGrpcStatus(absl::OkStatus())).ok());
}

TEST(GrpcStatus, ShortensWhatNoTrailerHolds) {
  std::string text = "é";
  while (text.size() < 20'000) text += text;
  const grpc::Status status = ToGrpcStatus(InvalidField("name", text));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_LE(status.error_message().size() + status.error_details().size(), 2048u);
  EXPECT_EQ(FromGrpcStatus(status).code(), absl::StatusCode::kInvalidArgument);
}

TEST(GrpcStatus, BelievesNoDetailsOfAnotherCode) {
  const grpc::Status status(grpc::StatusCode::UNAVAILABLE, "a proxy's word",
                            ToGrpcStatus(absl::NotFoundError("x")).error_details());
  EXPECT_EQ(FromGrpcStatus(status), absl::UnavailableError("a proxy's word"));
}

TEST(MetadataValues, ArePrintableAscii) {
  EXPECT_TRUE(IsMetadataValue(""));
  EXPECT_TRUE(IsMetadataValue("users/a b~"));
  EXPECT_FALSE(IsMetadataValue("a\nb"));
  EXPECT_FALSE(IsMetadataValue("é"));
}

TEST(Deadlines, KeepTheirSideOfNow) {
  EXPECT_LT(ToDeadline(absl::InfinitePast()), std::chrono::system_clock::now());
  EXPECT_GE(ToDeadline(absl::InfinitePast()).time_since_epoch().count(), 0);
  EXPECT_EQ(ToDeadline(absl::InfiniteFuture()), std::chrono::system_clock::time_point::max());
}

}  // namespace
}  // namespace rapport
