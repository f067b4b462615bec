// Whether a disk has less room left than is to be kept free.
//
// Threads: Look from one, full from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "absl/time/time.h"
#include "services/runtime/base/clock.h"

namespace rapport {

class DiskSpace {
 public:
  // Of the disk that has this folder.
  DiskSpace(std::string folder, uint64_t min_free_bytes)
      : folder_(std::move(folder)), min_free_bytes_(min_free_bytes) {}

  // Looks, unless it has done so a moment ago. What cannot be asked has room.
  void Look() {
    const absl::Time now = SteadyNow();
    if (now < next_look_) return;
    next_look_ = now + kPeriod;
    std::error_code error;
    const auto space = std::filesystem::space(folder_, error);
    full_ = !error && space.available < min_free_bytes_;
  }
  bool full() const { return full_; }

  static constexpr absl::Duration kPeriod = absl::Milliseconds(200);

 private:
  const std::string folder_;
  const uint64_t min_free_bytes_;
  absl::Time next_look_ = absl::InfinitePast();
  std::atomic<bool> full_{false};
};

}  // namespace rapport
