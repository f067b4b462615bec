#include "services/runtime/aggregate/waiters.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "services/runtime/aggregate/consistency.h"
#include "services/runtime/base/status.h"

namespace rapport {

absl::Status ShuttingDown() {
  return Unavailable("the server is shutting down");
}

template <class Wanted>
std::vector<Waiters::Waiter> Waiters::Take(const Wanted& wanted) {
  const auto first = std::partition(waiters_.begin(), waiters_.end(),
                                    [&wanted](const Waiter& w) { return !wanted(w); });
  std::vector<Waiter> taken(std::make_move_iterator(first),
                            std::make_move_iterator(waiters_.end()));
  waiters_.erase(first, waiters_.end());
  return taken;
}

void Waiters::Wait(const std::atomic<Offset>& position, Offset offset, absl::Time deadline,
                   Ready ready) {
  absl::Status status;
  {
    std::lock_guard lock(mutex_);
    if (position < offset && !stopped_) {
      waiters_.push_back({&position, offset, deadline, std::move(ready)});
      return;
    }
    if (position < offset) status = ShuttingDown();
  }
  ready(status);
}

void Waiters::Publish(std::atomic<Offset>& position, Offset offset) {
  std::vector<Waiter> served;
  {
    std::lock_guard lock(mutex_);
    position = offset;
    if (waiters_.empty()) return;
    served = Take([&](const Waiter& w) { return w.position == &position && w.offset <= offset; });
  }
  for (auto& waiter : served) waiter.ready(absl::OkStatus());
}

void Waiters::Expire(absl::Time now) {
  std::vector<Waiter> late;
  {
    std::lock_guard lock(mutex_);
    late = Take([now](const Waiter& w) { return w.deadline <= now; });
  }
  for (auto& waiter : late) waiter.ready(NotSeenYet());
}

void Waiters::Stop() {
  std::vector<Waiter> all;
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    all.swap(waiters_);
  }
  for (auto& waiter : all) waiter.ready(ShuttingDown());
}

bool Waiters::empty() const {
  std::lock_guard lock(mutex_);
  return waiters_.empty();
}

}  // namespace rapport
