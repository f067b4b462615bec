// Passes each call of a service to the instance that is to answer it.
//
// Who owns the partition that a call is about decides writes, and reads that say "strong". Every
// instance follows all partitions, so that other reads are answered here where the service runs
// here, and by any of its instances otherwise. Who was asked and is not the owner answers NOT_OWNER
// with the newest route it knows; a call is sent on by that, or waits until a newer route is heard
// of, all that wait for the same one together.
//
// An owner that was asked and is silent is not waited for when another one has claimed the
// partition: the call goes there, under the same request id, so that it acts once whoever did it.
// So does a call whose owner cannot be reached, or died with it; until then it asks that one again.
//
// A call that came from another router is answered here or refused: no call goes in circles.
//
// Threads: any. The options outlive the router, and the router its calls.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>

#include "services/runtime/aggregate/target.h"
#include "services/runtime/base/clock.h"
#include "services/runtime/routing/route_table.h"
#include "services/runtime/rpc/call.h"

namespace rapport {

// A call is sent to so many instances at most, the first one aside.
inline constexpr int kMaxRedirects = 2;
// How long a call waits for a route, within its deadline: longer than an orderly hand-over takes.
inline constexpr absl::Duration kRouteWait = absl::Seconds(2);
// How long a call whose owner cannot be reached waits for another one, within its deadline: longer
// than Kafka takes to see that one is dead (6 s, kafka/membership.h) and the next one to claim.
inline constexpr absl::Duration kTakeOverWait = absl::Seconds(10);
// When it asks the same one again meanwhile, which may only have lost a connection: soon, then
// twice as late each time, and every second in the end.
inline constexpr absl::Duration kAskAgain = absl::Milliseconds(50);
inline constexpr absl::Duration kAskAgainLast = absl::Seconds(1);
// So many calls of a service wait for a take-over at most. Others are the caller's to repeat, lest
// one dead instance takes the places of all calls that the living could answer.
inline constexpr int kMaxAwaitTakeOver = 256;

// What happened to a call just now, for metrics.
struct RouteFigures {
  int passed_on = 0;           // sent to another instance, each try
  int not_owner_given = 0;     // it came from another instance, and this one is not the owner
  int not_owner_received = 0;  // the instance that was asked is not the owner
  int waited = 0;              // until an owner says where it is
  int gave_up = 0;             // refused: no owner was found in time, or by so many redirects
};

struct RouterOptions {
  const ServiceSpec* spec = nullptr;
  int partitions = 0;
  // The service in this process; null where only others run it.
  Handler* here = nullptr;
  // Whether that one owns a partition now.
  std::function<bool(int partition)> owns;
  RouteTable* routes = nullptr;
  // Takes what it needs of a request before its Handle returns.
  std::function<Handler&(const std::string& address)> peer;
  Clock* clock = nullptr;
  std::function<void(const RouteFigures&)> on_routed;  // from any thread
};

class Router : public Handler {
 public:
  // FAILED_PRECONDITION for an RPC that nothing answers.
  static absl::StatusOr<std::unique_ptr<Router>> Make(RouterOptions options);

  void Handle(CallPtr call) override;

 private:
  struct Journey;

  Router(RouterOptions options, MethodTable methods)
      : options_(std::move(options)),
        targets_(*options_.spec, options_.partitions),
        methods_(std::move(methods)) {}

  void Tell(const RouteFigures& figures) const {
    if (options_.on_routed) options_.on_routed(figures);
  }
  absl::StatusOr<int> OwnersPartition(const Method& method, Call& call);
  bool MayAwaitTakeOver();
  std::string FreshRequestId();

  const RouterOptions options_;
  const Targets targets_;
  const MethodTable methods_;
  std::atomic<size_t> turn_{0};          // of those who can answer as well as each other
  std::atomic<int> await_take_over_{0};  // calls that do now
  std::mutex random_mutex_;
  std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace rapport
