// What becomes of one partition's ownership, told as it happens: for metrics.
//
// Threads: Wanted from any, the rest on the shard's strand.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace rapport {

// Why a shard threw away what was not confirmed and began anew.
enum class RecoveryReason {
  kDeposed,      // another owner claimed the partition
  kUnavailable,  // log or disk did not answer, or not in time, or did not say what became of it
  kDamaged,      // log or projection is damaged
  kInternal,     // anything else
};
// Their names, in this order.
inline constexpr std::array<const char*, 4> kRecoveryReasons = {"deposed", "unavailable", "damaged",
                                                                "internal"};

RecoveryReason RecoveryReasonOf(const absl::Status& why);

// What happened just now.
struct OwnershipFigures {
  int claims = 0;  // those that the log took
  std::optional<RecoveryReason> recovery;
  size_t void_records = 0;              // that were read and passed by
  std::optional<double> serve_seconds;  // from wanting the partition, or losing it, to serving it
};

// ABORTED: the partition is somebody else's by now. Callers are told UNAVAILABLE.
absl::Status Deposed(absl::string_view what);

class Ownership {
 public:
  using Told = std::function<void(const OwnershipFigures&)>;

  explicit Ownership(Told told) : told_(std::move(told)) {}

  // This instance should own the partition from now on, or no longer.
  void Wanted(bool wanted);
  void Claimed() { Tell({.claims = 1}); }
  void Serving();
  void Recovering(const absl::Status& why, bool wanted, bool served);
  void PassedBy(size_t void_records);

 private:
  void Tell(const OwnershipFigures& figures) const {
    if (told_) told_(figures);
  }

  const Told told_;
  // Since when it waits to serve, of the steady clock; 0: it is not wanted, or serves.
  std::atomic<int64_t> waits_since_ns_{0};
};

}  // namespace rapport
