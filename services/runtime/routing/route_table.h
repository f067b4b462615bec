// Where the owners of partitions can be reached, as they said themselves.
//
// A route may be out of date without harm: whoever is asked by it and is not the owner says so. Of
// two routes of a partition that of the later claim is right.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/runtime/log/log.h"

namespace rapport {

struct Route {
  Offset claim = -1;    // of the owner, in the partition
  std::string address;  // host:port of its gRPC
  bool own = false;     // this instance's
};

class RouteTable {
 public:
  using Ready = absl::AnyInvocable<void(absl::StatusOr<Route>)>;
  // Of who waits; 0 where nobody does.
  using Ticket = uint64_t;

  ~RouteTable() { Stop(); }

  std::optional<Route> Find(const TopicPartition& partition) const;
  // Those of a topic's owners, each once.
  std::vector<std::string> Addresses(const std::string& topic) const;

  // Takes the route where it is newer than what is known.
  void Learn(const TopicPartition& partition, Route route);

  // Calls `ready` with a route of a later claim than `than`, inline where it is known; UNAVAILABLE
  // at `deadline` or when the table stops. 0 where it has been called.
  Ticket Await(const TopicPartition& partition, Offset than, absl::Time deadline, Ready ready);
  // That one waits no longer: its `ready` is not called, unless that is happening just now.
  void Cancel(Ticket ticket);

  // Ends what waited for too long. Called a few times a second.
  void Expire(absl::Time now);
  // Refuses all who wait or come later.
  void Stop();

 private:
  using Key = std::pair<std::string, int>;
  struct Waiter {
    Key key;
    Offset than;
    absl::Time deadline;
    Ready ready;
  };

  mutable std::mutex mutex_;
  std::map<Key, Route> routes_;
  std::map<Ticket, Waiter> waiters_;
  Ticket last_ticket_ = 0;
  bool stopped_ = false;
};

}  // namespace rapport
