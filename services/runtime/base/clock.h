// What time it is. Comes in from outside everywhere, so that tests and the simulation own it.
//
// Threads: any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace rapport {

// Goes on evenly, whatever is done to the wall clock, with which it agreed when the process first
// asked: for deadlines and pauses, of which only differences count.
inline absl::Time SteadyNow() {
  const auto steady = [] {
    return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
  };
  static const absl::Time zero = absl::Now() - steady();
  return zero + steady();
}

class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() = 0;
  // As SteadyNow.
  virtual absl::Time Steady() { return Now(); }
};

class SystemClock final : public Clock {
 public:
  absl::Time Now() override { return absl::Now(); }
  absl::Time Steady() override { return SteadyNow(); }
};

// Stands still until told; microseconds.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(absl::Time start) { Set(start); }
  absl::Time Now() override { return absl::FromUnixMicros(micros_ + jumped_micros_); }
  absl::Time Steady() override { return absl::FromUnixMicros(micros_); }
  void Set(absl::Time time) { micros_ = absl::ToUnixMicros(time); }
  void Advance(absl::Duration by) { micros_ += absl::ToInt64Microseconds(by); }
  // Somebody sets the wall clock.
  void Jump(absl::Duration by) { jumped_micros_ += absl::ToInt64Microseconds(by); }

 private:
  std::atomic<int64_t> micros_;
  std::atomic<int64_t> jumped_micros_{0};
};

}  // namespace rapport
