// One process that may own the partition: a shard of the product over a simulated log, a clock of
// its own, and a projection that outlives its crashes.
//
// Threads: the simulation's one.
#pragma once

#include <memory>

#include "absl/container/flat_hash_map.h"
#include "services/runtime/aggregate/process.h"
#include "services/runtime/aggregate/shard.h"
#include "services/runtime/aggregate/timers.h"
#include "services/runtime/log/simulated/simulated_log.h"
#include "tests/model/broken.h"
#include "tests/model/history.h"
#include "tests/model/memory_db.h"
#include "tests/model/workload.h"

namespace rapport::model {

inline const TopicPartition kPartition = {"rapport.service", 0};
inline const TopicPartition kParents = {"rapport.accounts", 0};

// Of the calls that an instance makes, whether its timers or its process made this one.
inline bool IsTimers(const Call& call) {
  return call.metadata.actor == "timers";
}

class Instance : private Handler {
 public:
  // What its timers send, and its process.
  using OnCall = std::function<void(CallPtr call)>;

  // `skew`: of its clock.
  Instance(const Product* product, Simulation* simulation, SimulatedLog* broker, Break broken,
           absl::Duration skew, OnCall on_call);

  void Start();
  // Its program knows the process from its next start on.
  void Install(const ProcessSpec* process) { process_spec_ = process; }
  // What ran is gone, and of the projection's writes all but the first `writes_kept`.
  void Crash(size_t writes_kept);
  bool up() const { return shard_ != nullptr; }

  Host& host() { return host_; }
  MemoryDb& db() { return *db_; }
  const Store& store() const { return *store_; }
  // As the shard says to those who wait for a token; up only.
  Offset applied() const { return shard_->applied(); }
  // The shard's latest; up only.
  Offset claim() const { return shard_->claim(); }
  // How far the projection says that the process has acted; 0: it does not say.
  Offset cursor() const;

  // The following run on the host, where it is up.
  void Tick();
  void Submit(const Operation& operation, absl::Time deadline,
              absl::AnyInvocable<void(Reply, bool body_known)> done);
  // A strong read asks whether it may.
  void Barrier(absl::Time deadline, Waiters::Ready ready);
  void Stop(absl::AnyInvocable<void()> stopped);

  // Runs what the shard left to its threads.
  void RunThreads();

 private:
  class SkewedClock : public Clock {
   public:
    SkewedClock(Simulation* simulation, absl::Duration skew)
        : simulation_(simulation), skew_(skew) {}
    absl::Time Now() override { return simulation_->Now() + skew_; }

   private:
    Simulation* const simulation_;
    const absl::Duration skew_;
  };

  void OpenStore();
  void Handle(CallPtr call) override;

  const Product* const product_;
  Simulation* const simulation_;
  SimulatedLog* const broker_;
  const Break broken_;
  const OnCall on_call_;
  SkewedClock clock_;
  Host host_;
  MemoryDb* db_ = nullptr;  // the store's
  std::unique_ptr<Store> store_;
  std::unique_ptr<EventLog> log_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<Shard> shard_;
  std::unique_ptr<Timers> timers_;
  const ProcessSpec* process_spec_ = nullptr;  // null: the program knows none yet
  std::unique_ptr<EventLog> source_;           // the log as the process sees it
  std::unique_ptr<Process> process_;
  absl::flat_hash_map<std::string, int> in_flight_;  // by request id and hash
  int hidden_repeats_ = 0;
};

}  // namespace rapport::model
