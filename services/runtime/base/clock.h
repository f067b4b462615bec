// What time it is. Comes in from outside everywhere, so that tests and the simulation own it.
//
// Threads: any.
#pragma once

#include <atomic>
#include <cstdint>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace rapport {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() = 0;
};

class SystemClock final : public Clock {
 public:
  absl::Time Now() override { return absl::Now(); }
};

// Stands still until told; microseconds.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(absl::Time start) { Set(start); }
  absl::Time Now() override { return absl::FromUnixMicros(micros_); }
  void Set(absl::Time time) { micros_ = absl::ToUnixMicros(time); }
  void Advance(absl::Duration by) { micros_ += absl::ToInt64Microseconds(by); }

 private:
  std::atomic<int64_t> micros_;
};

}  // namespace rapport
