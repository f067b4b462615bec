// The timers of one partition: what falls due becomes an ordinary command of the service, under a
// request id that follows from the resource and the due time (own_request_id.h), so that it acts
// once whoever fires it how often.
//
// The table of timers is derived from the rows (store/keys.h, D); the command's event moves or ends
// the timer. Only the owner of the partition fires.
// Threads: Tick from one thread; the rest is inside.
#pragma once

#include <mutex>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "services/runtime/aggregate/shard.h"

namespace rapport {

// Commands of timers that are under way at once, of one partition.
inline constexpr size_t kMaxFiringTimers = 256;

struct TimersOptions {
  const Shard* shard = nullptr;
  const Registry* registry = nullptr;
  // Of each type that has timers, what is sent when one is due.
  absl::flat_hash_map<const AggregateType*, const MethodDescriptor*> methods;
  Handler* handler = nullptr;  // the service itself
  Clock* clock = nullptr;
  Executor* executor = nullptr;
  std::string secret;  // of the service
};

class Timers {
 public:
  explicit Timers(TimersOptions options) : options_(std::move(options)) {}

  // Looks for what is due, from time to time. Returns at once.
  void Tick();

 private:
  void Look();
  void Fire(const std::string& key, const std::string& name);
  void Answered(const std::string& key, const absl::Status& status);

  // A timer that was fired and may still be in the table: not again before `until`.
  struct Fired {
    absl::Time until;
    absl::Duration pause;  // after the last refusal
  };

  const TimersOptions options_;
  std::mutex mutex_;
  bool busy_ = false;
  size_t firing_ = 0;
  absl::Time next_look_ = absl::InfinitePast();
  absl::flat_hash_map<std::string, Fired> fired_;  // by key
};

}  // namespace rapport
