// bench_commands --grpc 127.0.0.1:9090 --in-flight 64
// bench_commands --grpc 127.0.0.1:9090 --per-second 5000
//
// Logs interactions with the customers that `rapportctl bench` made: so many always in flight, or
// so many a second whatever becomes of them. Prints what was measured as JSON. With --partitions
// also the longest that each partition acknowledged nothing, by the clock that Python's
// time.monotonic reads; "measuring" says that the warm-up is over. tests/bench/streams/Load.java is
// its twin.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "services/runtime/base/hash.h"
#include "tests/bench/load.h"
#include "tests/bench/requests.h"

namespace rapport {
namespace {

constexpr char kCreateInteraction[] = "/rapport.service.v1.Service/CreateInteraction";

struct Flags {
  std::string grpc = "127.0.0.1:9090";
  int64_t customers = 100'000;
  int in_flight = 64;
  int per_second = 0;
  int64_t warm_up = 5'000;
  int seconds = 10;
  int partitions = 0;
  // Begins the request ids, so that no run repeats another's.
  std::string run = absl::StrCat(absl::ToUnixNanos(absl::Now()));
};

// When each partition acknowledged, and the longest it did not.
class Gaps {
 public:
  explicit Gaps(int partitions) : partitions_(static_cast<size_t>(partitions)) {}

  void Begin() {
    std::lock_guard lock(mutex_);
    for (Partition& one : partitions_) one = {.latest = Now(), .began = 0, .ended = 0};
  }

  void Note(const std::string& customer) {
    std::lock_guard lock(mutex_);
    const int number = PartitionOf(customer, static_cast<int>(partitions_.size()));
    Partition& one = partitions_[static_cast<size_t>(number)];
    const double now = Now();
    Extend(one, now);
    one.latest = now;
  }

  // A partition that has not come back is silent until now.
  std::string ToJson() {
    std::lock_guard lock(mutex_);
    const double now = Now();
    for (Partition& one : partitions_) Extend(one, now);
    return absl::StrCat("[",
                        absl::StrJoin(partitions_, ",",
                                      [](std::string* out, const Partition& one) {
                                        absl::StrAppendFormat(out, "[%.3f,%.3f]", one.began,
                                                              one.ended);
                                      }),
                        "]");
  }

 private:
  struct Partition {
    double latest = 0;
    double began = 0;
    double ended = 0;
  };

  static void Extend(Partition& one, double now) {
    if (now - one.latest <= one.ended - one.began) return;
    one.began = one.latest;
    one.ended = now;
  }

  static double Now() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double>(since).count();
  }

  std::mutex mutex_;
  std::vector<Partition> partitions_;
};

void Print(const bench::Measured& measured, Gaps& gaps) {
  const int64_t failed = bench::PrintErrors("bench_commands", measured);
  absl::PrintF("[{%s,\"gaps\":%s}]\n", bench::ToJsonMembers(measured, failed), gaps.ToJson());
}

int Run(const Flags& flags) {
  Gaps gaps(flags.partitions);
  // Two threads and four connections cost least (load.h); one call alone needs one of each.
  const bool alone = flags.in_flight % 2 != 0;
  bench::Load load{.address = flags.grpc,
                   .path = kCreateInteraction,
                   .calls_per_second = static_cast<double>(flags.per_second),
                   .in_flight = flags.in_flight,
                   .warm_up_calls = flags.warm_up,
                   .duration = absl::Seconds(flags.seconds),
                   .channels = alone ? 1 : 4,
                   .threads = alone ? 1 : 2};
  load.request = [&](int64_t i) {
    // The first that is measured: the phase before has ended.
    if (flags.partitions > 0 && i == flags.warm_up) {
      gaps.Begin();
      std::puts("measuring");
      std::fflush(stdout);
    }
    return bench::LogInteraction(flags.customers, flags.run, i);
  };
  if (flags.partitions > 0) {
    load.on_answer = [&](int64_t i, const grpc::ByteBuffer&) {
      gaps.Note(bench::SomeCustomer(flags.customers, i));
    };
  }
  const absl::StatusOr<bench::Measured> measured = bench::RunLoad(load);
  if (!measured.ok()) {
    absl::FPrintF(stderr, "bench_commands: %s\n", measured.status().message());
    return 1;
  }
  Print(*measured, gaps);
  return 0;
}

}  // namespace
}  // namespace rapport

int main(int argc, char** argv) {
  rapport::Flags flags;
  CLI::App app("Logs interactions, and prints how long it takes");
  app.add_option("--grpc", flags.grpc, "The server's gRPC address")->capture_default_str();
  app.add_option("--customers", flags.customers, "Whose; they must be there")
      ->check(CLI::Range(int64_t{1}, int64_t{10'000'000}))
      ->capture_default_str();
  app.add_option("--in-flight", flags.in_flight, "Calls at a time; with a rate, at most")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--per-second", flags.per_second, "A rate; 0: a call goes out when one comes back")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  app.add_option("--warm-up", flags.warm_up, "Sent first and not measured")
      ->check(CLI::Range(int64_t{0}, int64_t{1'000'000}))
      ->capture_default_str();
  app.add_option("--seconds", flags.seconds, "How long")
      ->check(CLI::Range(1, 3'600))
      ->capture_default_str();
  app.add_option("--partitions", flags.partitions, "Of the log, to say what each went without")
      ->check(CLI::Range(0, 1'024))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return rapport::Run(flags);
}
