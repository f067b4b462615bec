// Load on one gRPC method, from a process of its own: so many calls always in flight, or so many a
// second whatever becomes of them.
//
//   const auto measured = RunLoad({.address = "127.0.0.1:7100",
//                                  .path = "/rapport.sales.v1.Sales/CreateOrder",
//                                  .request = [](int64_t i) { return CreateOrder(i); },
//                                  .duration = absl::Seconds(10)});
//
// The client shares the machine with the server, so its defaults are what cost it least on two
// cores (see bench_grpc_echo.cc). Load and yardstick are driven alike.
#pragma once

#include <grpcpp/security/credentials.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace rapport::bench {

struct Load {
  std::string address;
  std::shared_ptr<grpc::ChannelCredentials> credentials;  // null: plain text
  std::string path;                                       // /package.Service/Method
  // The i-th request, from 0; called on several threads, each i once. The warm-up counts too.
  std::function<grpc::ByteBuffer(int64_t i)> request;
  std::vector<std::pair<std::string, std::string>> metadata;
  // Called with each answer that is OK, on several threads; may be empty.
  std::function<void(int64_t i, const grpc::ByteBuffer& response)> on_answer;

  // 0: a call goes out when one comes back. Otherwise calls are due at even distances, and their
  // time counts from when they were due, so that a server that stands still hides nothing.
  double calls_per_second = 0;
  // With a rate, a call that would be one more waits, and its time runs.
  int in_flight = 64;
  // Sent and not measured.
  int64_t warm_up_calls = 5'000;
  // It ends with whichever comes first.
  int64_t calls = INT64_MAX;
  absl::Duration duration = absl::Seconds(10);

  // One connection is one HTTP/2 lock on either side; with more, both cores get work.
  int channels = 4;
  int threads = 2;
};

struct Measured {
  int64_t calls = 0;
  absl::Duration duration;
  double calls_per_second = 0;
  // Of all calls, failed ones too.
  absl::Duration p50;
  absl::Duration p90;
  absl::Duration p99;
  absl::Duration max;
  std::map<std::string, int64_t> errors;  // what they said → how often
};

// Blocks until the last call is answered. UNAVAILABLE if the server cannot be reached.
absl::StatusOr<Measured> RunLoad(const Load& load);

// One line of a report: rate, percentiles, errors.
std::string ToString(const Measured& measured);

// The same as members of a JSON object, from "calls" to "maxMs".
std::string ToJsonMembers(const Measured& measured, int64_t failed);
// Says on stderr what failed, and how often.
int64_t PrintErrors(const char* program, const Measured& measured);

}  // namespace rapport::bench
