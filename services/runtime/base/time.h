// google.protobuf.Timestamp and absl::Time, to the microsecond: what RFC 3339 text and every
// client language carry without loss.
//
// Threads: pure functions.
#pragma once

#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"

namespace rapport {

inline int64_t ToMicros(const google::protobuf::Timestamp& time) {
  return time.seconds() * 1'000'000 + time.nanos() / 1'000;
}
inline absl::Time FromTimestamp(const google::protobuf::Timestamp& time) {
  return absl::FromUnixMicros(ToMicros(time));
}
inline google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  const int64_t micros = absl::ToUnixMicros(time);
  const int64_t seconds = micros / 1'000'000 - (micros % 1'000'000 < 0 ? 1 : 0);
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(static_cast<int32_t>(micros - seconds * 1'000'000) * 1'000);
  return timestamp;
}
inline google::protobuf::Timestamp Later(const google::protobuf::Timestamp& a,
                                         const google::protobuf::Timestamp& b) {
  return ToMicros(a) < ToMicros(b) ? b : a;
}

}  // namespace rapport
