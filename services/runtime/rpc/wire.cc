#include "services/runtime/rpc/wire.h"

#include <grpcpp/support/slice.h>

#include <algorithm>
#include <utility>

#include "google/rpc/status.pb.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

// Below this, one allocation and a copy cost less than two allocations.
constexpr size_t kCopyBelowBytes = 4096;
// Stock clients refuse trailers of more than 8 KiB altogether, status included. These two, spelled
// in base64 and percent signs, leave room for the longest consistency token (4 KiB).
constexpr size_t kMaxErrorMessageBytes = 512;
constexpr size_t kMaxErrorDetailsBytes = 1536;

// Cuts before `limit`, never inside a UTF-8 character: protobuf refuses half of one.
std::string Shorten(absl::string_view text, size_t limit) {
  if (text.size() <= limit) return std::string(text);
  while (limit > 0 && (text[limit] & 0xC0) == 0x80) --limit;
  return std::string(text.substr(0, limit));
}

grpc::Slice ToSlice(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  if (!buffer.TrySingleSlice(&slice).ok()) buffer.DumpToSingleSlice(&slice);
  return slice;
}

}  // namespace

bool IsMetadataValue(absl::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

std::chrono::system_clock::time_point ToDeadline(absl::Time time) {
  return absl::ToChronoTime(std::max(time, absl::UnixEpoch()));
}

grpc::ByteBuffer ToByteBuffer(std::string bytes) {
  if (bytes.size() < kCopyBelowBytes) {
    const grpc::Slice slice(bytes);
    return grpc::ByteBuffer(&slice, 1);
  }
  auto* owned = new std::string(std::move(bytes));
  const grpc::Slice slice(
      owned->data(), owned->size(), [](void* string) { delete static_cast<std::string*>(string); },
      owned);
  return grpc::ByteBuffer(&slice, 1);
}

grpc::ByteBuffer Serialise(const google::protobuf::Message& message) {
  const size_t size = message.ByteSizeLong();
  const grpc::Slice slice(size);
  message.SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin()));
  return grpc::ByteBuffer(&slice, 1);
}

bool Parse(const grpc::ByteBuffer& buffer, google::protobuf::Message& message) {
  if (!buffer.Valid()) return false;
  const grpc::Slice slice = ToSlice(buffer);
  return message.ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
}

std::string ToString(const grpc::ByteBuffer& buffer) {
  if (!buffer.Valid()) return "";
  const grpc::Slice slice = ToSlice(buffer);
  return std::string(reinterpret_cast<const char*>(slice.begin()), slice.size());
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const std::string message = Shorten(status.message(), kMaxErrorMessageBytes);
  google::rpc::Status rpc = ToRpcStatus(status);
  rpc.set_message(message);
  if (rpc.ByteSizeLong() > kMaxErrorDetailsBytes) rpc.clear_details();
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message,
                      rpc.SerializeAsString());
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status rpc;
  // A proxy may answer in a service's stead: only details that agree with the code are believed.
  if (!status.error_details().empty() && rpc.ParseFromString(status.error_details()) &&
      rpc.code() == static_cast<int>(status.error_code())) {
    return FromRpcStatus(rpc);
  }
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace rapport
