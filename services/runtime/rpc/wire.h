// Between gRPC's byte buffers and ours, and the names of what travels beside a message. Used by
// the server and the client of this folder only. Threads: pure functions.
#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"

namespace rapport {

// Metadata, in lower case as HTTP/2 wants it.
inline constexpr char kConsistencyTokenKey[] = "rapport-consistency-token";  // both ways
inline constexpr char kRepeatKey[] = "rapport-repeat";                       // answers; "true"
inline constexpr char kActorKey[] = "x-rapport-actor";                       // requests
inline constexpr char kTraceparentKey[] = "traceparent";                     // requests
inline constexpr char kReadKey[] = "rapport-read";                           // requests; "strong"
inline constexpr char kRoutedKey[] = "rapport-routed";  // requests between instances; "true"

// For all the metadata of a request, or of an answer: a consistency token may have 4 KiB, and
// gRPC's usual 8 KiB leave too little beside it.
inline constexpr int kMaxMetadataBytes = 16 << 10;

// How often a client asks whether a silent server is still there while calls wait for it. A machine
// that lost its power says nothing, and TCP alone would notice after a quarter of an hour.
inline constexpr int kKeepAlivePeriodMs = 10'000;

// Whether gRPC can send it: printable ASCII. It stops the process on anything else.
bool IsMetadataValue(absl::string_view value);

// gRPC takes an instant before 1970 for the infinite future; here it is long past.
std::chrono::system_clock::time_point ToDeadline(absl::Time time);

// Takes `bytes` over; long ones are not copied.
grpc::ByteBuffer ToByteBuffer(std::string bytes);
grpc::ByteBuffer Serialise(const google::protobuf::Message& message);

// False if the bytes are not a message of this type.
bool Parse(const grpc::ByteBuffer& buffer, google::protobuf::Message& message);
std::string ToString(const grpc::ByteBuffer& buffer);

// A status that stock clients understand: code, message, and google.rpc.Status in
// grpc-status-details-bin. What is too long for a trailer is shortened; the code always arrives.
grpc::Status ToGrpcStatus(const absl::Status& status);
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace rapport
