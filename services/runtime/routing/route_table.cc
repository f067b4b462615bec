#include "services/runtime/routing/route_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

// Those that `wanted` says are taken out, in the order in which they came.
template <class Waiter, class Wanted>
std::vector<Waiter> Take(std::map<RouteTable::Ticket, Waiter>& waiters, const Wanted& wanted) {
  std::vector<Waiter> taken;
  for (auto one = waiters.begin(); one != waiters.end();) {
    if (!wanted(one->second)) {
      ++one;
      continue;
    }
    taken.push_back(std::move(one->second));
    one = waiters.erase(one);
  }
  return taken;
}

}  // namespace

std::optional<Route> RouteTable::Find(const TopicPartition& partition) const {
  std::lock_guard lock(mutex_);
  const auto found = routes_.find({partition.topic, partition.partition});
  if (found == routes_.end()) return std::nullopt;
  return found->second;
}

std::vector<std::string> RouteTable::Addresses(const std::string& topic) const {
  std::vector<std::string> addresses;
  std::lock_guard lock(mutex_);
  for (auto route = routes_.lower_bound({topic, 0});
       route != routes_.end() && route->first.first == topic; ++route) {
    addresses.push_back(route->second.address);
  }
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  return addresses;
}

void RouteTable::Learn(const TopicPartition& partition, Route route) {
  const Key key{partition.topic, partition.partition};
  std::vector<Waiter> ready;
  {
    std::lock_guard lock(mutex_);
    Route& known = routes_[key];
    if (route.claim <= known.claim) return;
    known = route;
    ready =
        Take(waiters_, [&](const Waiter& one) { return one.key == key && one.than < route.claim; });
  }
  for (Waiter& one : ready) one.ready(route);
}

RouteTable::Ticket RouteTable::Await(const TopicPartition& partition, Offset than,
                                     absl::Time deadline, Ready ready) {
  std::optional<Route> known;
  {
    std::lock_guard lock(mutex_);
    const Key key{partition.topic, partition.partition};
    const auto found = routes_.find(key);
    if (stopped_) {
      known = std::nullopt;
    } else if (found != routes_.end() && found->second.claim > than) {
      known = found->second;
    } else {
      waiters_.emplace(++last_ticket_, Waiter{key, than, deadline, std::move(ready)});
      return last_ticket_;
    }
  }
  ready(known ? absl::StatusOr<Route>(*std::move(known)) : Unavailable("stopping"));
  return 0;
}

void RouteTable::Cancel(Ticket ticket) {
  // Gone after the lock is: what it holds may look into this table.
  std::map<Ticket, Waiter>::node_type cancelled;
  std::lock_guard lock(mutex_);
  cancelled = waiters_.extract(ticket);
}

void RouteTable::Expire(absl::Time now) {
  std::vector<Waiter> late;
  {
    std::lock_guard lock(mutex_);
    late = Take(waiters_, [now](const Waiter& one) { return one.deadline <= now; });
  }
  for (Waiter& one : late) {
    one.ready(Unavailable(absl::StrCat("no instance has said that it owns ", one.key.first, "/",
                                       one.key.second, "; it may be on its way")));
  }
}

void RouteTable::Stop() {
  std::vector<Waiter> all;
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    all = Take(waiters_, [](const Waiter&) { return true; });
  }
  for (Waiter& one : all) one.ready(Unavailable("stopping"));
}

}  // namespace rapport
