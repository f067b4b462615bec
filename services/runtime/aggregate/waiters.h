// Who waits until a projection has seen a position of a log.
//
// Threads: any.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/runtime/log/log.h"

namespace rapport {

// UNAVAILABLE.
absl::Status ShuttingDown();

class Waiters {
 public:
  using Ready = absl::AnyInvocable<void(absl::Status)>;

  // Calls `ready` with OK once `position` is at `offset`, inline where it is; with UNAVAILABLE at
  // `deadline` or when waiting ends.
  void Wait(const std::atomic<Offset>& position, Offset offset, absl::Time deadline, Ready ready);
  // Moves the position. Only so may it move.
  void Publish(std::atomic<Offset>& position, Offset offset);
  // Refuses whose deadline is past.
  void Expire(absl::Time now);
  // Refuses all, and whoever comes later and would have to wait.
  void Stop();
  bool empty() const;

 private:
  struct Waiter {
    const std::atomic<Offset>* position;
    Offset offset;
    absl::Time deadline;
    Ready ready;
  };

  // Takes out those that `wanted` says.
  template <class Wanted>
  std::vector<Waiter> Take(const Wanted& wanted);

  mutable std::mutex mutex_;
  std::vector<Waiter> waiters_;
  bool stopped_ = false;
};

}  // namespace rapport
