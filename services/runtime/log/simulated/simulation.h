// A cluster played by one thread: whatever happens is an event in a queue, and times and chances
// come from a seed, so that every run can be had again.
//
//   Simulation simulation(seed);
//   Host host(&simulation);
//   host.After(simulation.Between(absl::Milliseconds(1), absl::Milliseconds(5)), [&] { … });
//   while (simulation.RunNext()) {}
//
// Threads: one per Simulation; several may run side by side.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"

namespace rapport {

class Simulation {
 public:
  using Task = absl::AnyInvocable<void()>;

  explicit Simulation(uint64_t seed) : random_(seed) {}
  Simulation(const Simulation&) = delete;

  // --- chance
  uint64_t Draw() { return random_(); }
  // 0 … limit - 1.
  uint64_t Below(uint64_t limit) { return random_() % limit; }
  bool Happens(double chance);
  absl::Duration Between(absl::Duration from, absl::Duration to);

  // --- time
  absl::Time Now() const { return now_; }
  // Grows with every call: what orders that which happens at one time.
  int64_t NextStep() { return ++step_; }
  void After(absl::Duration delay, Task task);
  // Lets the time of the next event come. False where there is none.
  bool RunNext();

 private:
  using When = std::pair<absl::Time, int64_t>;  // in the order of calls at one time

  std::mt19937_64 random_;
  absl::Time now_ = absl::FromUnixSeconds(1'767'225'600);
  int64_t step_ = 0;
  int64_t queued_ = 0;
  std::map<When, Task> events_;
};

// A process within a simulation: nothing runs on it while it is paused, and what was under way on
// it when it crashes never runs. A copy is the process in its present life.
class Host {
 public:
  explicit Host(Simulation* simulation) : simulation_(simulation) {}

  // Runs the task here after `delay`, in a Round of its own; later where the host is paused then.
  void After(absl::Duration delay, Simulation::Task task);

  void Pause() { life_->paused = true; }
  // What waited runs in its order, from now on.
  void Resume();
  // Tasks that are given to this Host from now on are those of a new life.
  void Crash();
  bool paused() const { return life_->paused; }

 private:
  struct Life {
    bool paused = false;
    bool over = false;
    std::vector<Simulation::Task> waiting;
  };

  Simulation* const simulation_;
  std::shared_ptr<Life> life_ = std::make_shared<Life>();
};

}  // namespace rapport
