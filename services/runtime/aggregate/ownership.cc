#include "services/runtime/aggregate/ownership.h"

#include <chrono>

namespace rapport {
namespace {

int64_t NowNs() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

RecoveryReason RecoveryReasonOf(const absl::Status& why) {
  switch (why.code()) {
    case absl::StatusCode::kAborted:
      return RecoveryReason::kDeposed;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
      return RecoveryReason::kUnavailable;
    case absl::StatusCode::kDataLoss:
      return RecoveryReason::kDamaged;
    default:
      return RecoveryReason::kInternal;
  }
}

absl::Status Deposed(absl::string_view what) {
  return absl::AbortedError(what);
}

// Who is wanted twice waits since the first time. What begins here while it serves is of no
// consequence: a loss begins anew.
void Ownership::Wanted(bool wanted) {
  int64_t never = 0;
  if (wanted) {
    waits_since_ns_.compare_exchange_strong(never, NowNs());
  } else {
    waits_since_ns_ = 0;
  }
}

void Ownership::Serving() {
  const int64_t since = waits_since_ns_.exchange(0);
  if (since != 0) Tell({.serve_seconds = static_cast<double>(NowNs() - since) * 1e-9});
}

// Only the first failure of several begins the wait.
void Ownership::Recovering(const absl::Status& why, bool wanted, bool served) {
  if (served) waits_since_ns_ = wanted ? NowNs() : 0;
  Tell({.recovery = RecoveryReasonOf(why)});
}

void Ownership::PassedBy(size_t void_records) {
  if (void_records > 0) Tell({.void_records = void_records});
}

}  // namespace rapport
