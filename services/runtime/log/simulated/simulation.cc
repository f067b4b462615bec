#include "services/runtime/log/simulated/simulation.h"

#include "services/runtime/base/round.h"

namespace rapport {

bool Simulation::Happens(double chance) {
  constexpr double kUnit = 1.0 / (uint64_t{1} << 53);
  return static_cast<double>(random_() >> 11) * kUnit < chance;
}

absl::Duration Simulation::Between(absl::Duration from, absl::Duration to) {
  const int64_t span_us = absl::ToInt64Microseconds(to - from);
  return from + absl::Microseconds(Below(static_cast<uint64_t>(span_us) + 1));
}

void Simulation::After(absl::Duration delay, Task task) {
  events_.emplace(When{now_ + delay, ++queued_}, std::move(task));
}

bool Simulation::RunNext() {
  if (events_.empty()) return false;
  auto next = events_.extract(events_.begin());
  now_ = next.key().first;
  next.mapped()();
  return true;
}

void Host::After(absl::Duration delay, Simulation::Task task) {
  simulation_->After(delay, [life = life_, task = std::move(task)]() mutable {
    if (life->over) return;
    if (life->paused) return life->waiting.push_back(std::move(task));
    Round round;
    task();
  });
}

void Host::Resume() {
  life_->paused = false;
  for (auto& task : std::exchange(life_->waiting, {})) After(absl::ZeroDuration(), std::move(task));
}

void Host::Crash() {
  life_->over = true;
  life_->waiting.clear();
  life_ = std::make_shared<Life>();
}

}  // namespace rapport
