#include "services/runtime/routing/router.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "services/runtime/aggregate/topics.h"
#include "services/runtime/base/ids.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

constexpr char kNotOwner[] = "NOT_OWNER";
constexpr char kAddress[] = "address";
constexpr char kClaim[] = "claim";
// Any partition's route will do.
constexpr int kAnyone = kAllPartitions;
// Calls without a deadline of their own get this one: nothing waits for ever.
constexpr absl::Duration kDefaultDeadline = absl::Seconds(30);

absl::Status NotOwner(const TopicPartition& partition, const std::optional<Route>& newest) {
  absl::Status status = Unavailable(
      absl::StrCat("another instance owns ", partition.topic, "/", partition.partition));
  google::rpc::ErrorInfo info;
  info.set_reason(kNotOwner);
  info.set_domain("rapport");
  if (newest) {
    (*info.mutable_metadata())[kAddress] = newest->address;
    (*info.mutable_metadata())[kClaim] = absl::StrCat(newest->claim);
  }
  AddDetail(status, info);
  return status;
}

// Whether the status says NOT_OWNER; the route that it names, if it names one.
bool IsNotOwner(const absl::Status& status, std::optional<Route>* newest) {
  if (!absl::IsUnavailable(status)) return false;
  const google::rpc::Status whole = ToRpcStatus(status);
  for (const auto& detail : whole.details()) {
    google::rpc::ErrorInfo info;
    if (!detail.UnpackTo(&info) || info.reason() != kNotOwner) continue;
    Route route{.address =
                    info.metadata().count(kAddress) == 0 ? "" : info.metadata().at(kAddress)};
    const bool named =
        !route.address.empty() && absl::SimpleAtoi(info.metadata().at(kClaim), &route.claim);
    *newest = named ? std::optional(route) : std::nullopt;
    return true;
  }
  return false;
}

// Whether nobody answered: no connection, or one that broke. What Rapport itself refuses so says
// when to try again.
bool IsLost(const absl::Status& status) {
  return absl::IsUnavailable(status) && ToRpcStatus(status).details().empty();
}

}  // namespace

// One call under way to other instances.
struct Router::Journey : std::enable_shared_from_this<Journey> {
  Router* router;
  CallPtr call;
  int partition;  // whose owner is to answer, or kAnyone
  bool read;      // so that the next one may be asked when one is silent
  absl::Time deadline;
  int redirects = 0;
  Offset tried = -1;   // the claim of the route that was tried last
  std::string silent;  // the address of who did not answer
  // Once its owner could not be reached: until when it looks for one who can.
  std::optional<absl::Time> take_over;
  absl::Duration pause = kAskAgain;

  // Of several that were asked one counts, the last; who has taken its number goes on.
  std::mutex mutex;
  int number = 0;
  RouteTable::Ticket watch = 0;  // for a newer owner, while that one is asked

  RouteTable& routes() const { return *router->options_.routes; }
  absl::Time now() const { return router->options_.clock->Steady(); }
  TopicPartition in_log() const {
    return router->targets_.InLog(partition == kAnyone ? 0 : partition);
  }

  void Go() {
    if (partition == kAnyone && AskAnyone()) return;
    const absl::Time patience = std::min(deadline, now() + kRouteWait);
    const auto waits = routes().Await(in_log(), tried, patience,
                                      [self = shared_from_this()](absl::StatusOr<Route> route) {
                                        if (!route.ok())
                                          return self->GiveUp({.status = route.status()});
                                        self->AskOwner(*route);
                                      });
    if (waits != 0) router->Tell({.waited = 1});
  }

  void GiveUp(Reply reply) {
    router->Tell({.gave_up = 1});
    End(std::move(reply));
  }

  void End(Reply reply) {
    auto done = std::move(call->done);
    done(std::move(reply));
  }

  bool AskAnyone() {
    std::vector<std::string> all = routes().Addresses(in_log().topic);
    if (all.size() > 1) std::erase(all, silent);
    if (all.empty()) return false;
    Ask(all[router->turn_++ % all.size()]);
    return true;
  }

  void AskOwner(const Route& route) {
    tried = route.claim;
    if (!route.own) return Ask(route.address);
    const RouterOptions& options = router->options_;
    if (options.here != nullptr && options.owns(partition)) {
      return options.here->Handle(std::move(call));
    }
    Go();  // it was here, under a claim that is over
  }

  void Ask(const std::string& address) {
    auto attempt = std::make_unique<Call>();
    attempt->method = call->method;
    attempt->request = call->request;
    attempt->metadata = call->metadata;
    attempt->metadata.routed = true;
    const int asked = Begin();
    attempt->done = [self = shared_from_this(), asked, address](Reply reply) {
      if (self->Take(asked)) self->Answered(address, std::move(reply));
    };
    router->Tell({.passed_on = 1});
    const bool may_move = partition != kAnyone && redirects < kMaxRedirects;
    const Offset claim = tried;
    router->options_.peer(address).Handle(std::move(attempt));
    if (may_move) WatchForNewer(asked, address, claim);
  }

  int Begin() {
    std::lock_guard lock(mutex);
    return ++number;
  }

  // Whether this try is the one that counts; from now on it is not.
  bool Take(int asked) {
    RouteTable::Ticket watched = 0;
    {
      std::lock_guard lock(mutex);
      if (asked != number) return false;
      ++number;
      watched = std::exchange(watch, 0);
    }
    routes().Cancel(watched);
    return true;
  }

  // Who claims anew itself goes on with what it was asked.
  void WatchForNewer(int asked, const std::string& address, Offset claim) {
    auto look = [self = shared_from_this(), asked, address](const absl::StatusOr<Route>& newer) {
      if (!newer.ok()) return;
      if (newer->address == address) return self->WatchForNewer(asked, address, newer->claim);
      if (!self->Take(asked)) return;
      ++self->redirects;
      self->AskOwner(*newer);
    };
    const RouteTable::Ticket ticket = routes().Await(in_log(), claim, deadline, std::move(look));
    {
      std::lock_guard lock(mutex);
      if (asked == number) {
        watch = ticket;
        return;
      }
    }
    routes().Cancel(ticket);  // it was answered meanwhile
  }

  void Answered(const std::string& address, Reply reply) {
    std::optional<Route> newest;
    const bool moved = IsNotOwner(reply.status, &newest);
    const bool again = moved || (read && absl::IsUnavailable(reply.status));
    if (moved) router->Tell({.not_owner_received = 1});
    if (partition != kAnyone && IsLost(reply.status)) {
      return AwaitTakeOver(address, std::move(reply));
    }
    if (!again) return End(std::move(reply));
    if (++redirects > kMaxRedirects) return GiveUp(std::move(reply));
    if (newest) routes().Learn(in_log(), *newest);
    if (!moved) silent = address;
    Go();
  }

  // Whether it was done is not known; under its request id it is done once.
  void AwaitTakeOver(const std::string& address, Reply lost) {
    if (!take_over) {
      take_over = std::min(deadline, now() + kTakeOverWait);
      router->Tell({.waited = 1});
    }
    const absl::Time again = now() + std::exchange(pause, std::min(2 * pause, kAskAgainLast));
    if (again > *take_over || !router->MayAwaitTakeOver()) return GiveUp(std::move(lost));
    routes().Await(in_log(), tried, again,
                   [self = shared_from_this(), address, again](absl::StatusOr<Route> newer) {
                     --self->router->await_take_over_;
                     if (newer.ok()) return self->AskOwner(*newer);
                     // Before its time: this instance is shutting down.
                     if (self->now() < again) return self->GiveUp({.status = newer.status()});
                     self->Ask(address);
                   });
  }
};

absl::StatusOr<std::unique_ptr<Router>> Router::Make(RouterOptions options) {
  ASSIGN_OR_RETURN(MethodTable methods, BuildMethods(options.spec->rpc, options.spec->aggregates,
                                                     options.spec->own_methods));
  return std::unique_ptr<Router>(new Router(std::move(options), std::move(methods)));
}

void Router::Handle(CallPtr call) {
  const auto found = methods_.find(call->method);
  if (found == methods_.end()) {
    const std::string name = call->method->full_name();
    return Finish(std::move(call),
                  absl::UnimplementedError(absl::StrCat(name, " is not of ", options_.spec->name)));
  }
  const Method& method = found->second;
  if (call->metadata.deadline == absl::InfiniteFuture()) {
    call->metadata.deadline = options_.clock->Steady() + kDefaultDeadline;
  }
  // Whoever answers says what is wrong with a request that names no partition.
  const absl::StatusOr<int> owners = OwnersPartition(method, *call);
  const int partition = owners.ok() ? *owners : kAnyone;
  const bool here = options_.here != nullptr && (partition == kAnyone || options_.owns(partition));
  const bool routed = std::exchange(call->metadata.routed, false);
  if (here) return options_.here->Handle(std::move(call));
  if (routed) {
    Tell({.not_owner_given = 1});
    const TopicPartition wanted = targets_.InLog(partition == kAnyone ? 0 : partition);
    return Finish(std::move(call), NotOwner(wanted, options_.routes->Find(wanted)));
  }
  auto journey = std::make_shared<Journey>();
  journey->router = this;
  journey->deadline = call->metadata.deadline;
  journey->call = std::move(call);
  journey->partition = partition;
  journey->read = !method.writes() && method.kind != Method::Kind::kFlow;
  journey->Go();
}

// The partition whose owner must answer; kAnyone where any instance can.
absl::StatusOr<int> Router::OwnersPartition(const Method& method, Call& call) {
  if (method.kind == Method::Kind::kFlow) return kAnyone;
  if (method.writes()) {
    // A root's place may follow from the request id, and a repeat must be known as one.
    std::string request_id = GetString(*call.request, method.request_id);
    if (request_id.empty()) {
      request_id = FreshRequestId();
      call.request->GetReflection()->SetString(call.request, method.request_id, request_id);
    }
    ASSIGN_OR_RETURN(const Target target, targets_.OfWrite(method, *call.request, request_id));
    return target.partition;
  }
  // What is joined from other logs has no owner.
  if (call.metadata.read.empty() || method.kind == Method::Kind::kRootQuery) return kAnyone;
  ASSIGN_OR_RETURN(const Target target, targets_.OfRead(method, *call.request));
  return target.partition;
}

// One more waits if so.
bool Router::MayAwaitTakeOver() {
  if (++await_take_over_ <= kMaxAwaitTakeOver) return true;
  --await_take_over_;
  return false;
}

std::string Router::FreshRequestId() {
  std::lock_guard lock(random_mutex_);
  return MakeUlid(options_.clock->Now(), absl::MakeUint128(random_(), random_()));
}

}  // namespace rapport
