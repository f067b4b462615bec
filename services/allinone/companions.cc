#include "services/allinone/companions.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "rapport/log/v1/owner.pb.h"
#include "services/runtime/aggregate/topics.h"
#include "services/runtime/rpc/ask.h"
#include "services/runtime/rpc/credentials.h"

namespace rapport {
namespace {

class Stopping : public Handler {
 public:
  void Handle(CallPtr call) override { Finish(std::move(call), ShuttingDown()); }
};

}  // namespace

Companions::Companions(KafkaLogOptions kafka, int partitions, Clock* clock,
                       const std::shared_ptr<const Tls>& tls)
    : kafka_(std::move(kafka)),
      partitions_(partitions),
      clock_(clock),
      credentials_(PeerCredentials(tls)) {}

Companions::~Companions() {
  Stop();
}

absl::Status Companions::FollowRoutes() {
  ASSIGN_OR_RETURN(routes_, KafkaRoutes::Follow(kafka_, [this](const log::v1::Route& route) {
                     table_.Learn({route.topic(), route.partition()},
                                  {.claim = route.claim_offset(), .address = route.address()});
                   }));
  return absl::OkStatus();
}

absl::StatusOr<Handler*> Companions::RouterFor(const ServiceSpec& spec, Service* here,
                                               std::function<void(const RouteFigures&)> on_routed) {
  if (here != nullptr) services_.push_back(here);
  specs_.push_back(std::make_unique<ServiceSpec>(spec));
  RouterOptions options{
      .spec = specs_.back().get(),
      .partitions = partitions_,
      .here = here,
      .owns = [here](int partition) { return here->Owns(partition); },
      .routes = &table_,
      .peer = [this](const std::string& address) -> Handler& { return PeerAt(address); },
      .clock = clock_,
      .on_routed = std::move(on_routed)};
  ASSIGN_OR_RETURN(auto router, Router::Make(std::move(options)));
  routers_.push_back(std::move(router));
  return routers_.back().get();
}

absl::Status Companions::Join(Service& service, const std::string& address) {
  address_ = address;
  const std::string topic = TopicOf(service.spec().name);
  std::vector<std::string> topics = {topic};
  if (HasReferenceData(service.spec())) topics.push_back(ReferenceTopicOf(service.spec().name));
  ASSIGN_OR_RETURN(
      auto membership,
      KafkaMembership::Join({.log = kafka_,
                             .group = topic,
                             .topics = std::move(topics),
                             .changed = [&service](const TopicPartition& partition, bool wanted) {
                               service.SetWanted(partition, wanted);
                             }}));
  memberships_.push_back(std::move(membership));
  return absl::OkStatus();
}

bool Companions::joined() const {
  return std::all_of(memberships_.begin(), memberships_.end(),
                     [](const auto& membership) { return membership->joined(); });
}

bool Companions::Leave() {
  bool others = false;
  for (const auto& membership : memberships_) {
    others = others || membership->Members().value_or(1) > 1;
  }
  for (auto& membership : memberships_) membership->Leave();
  memberships_.clear();
  return others;
}

void Companions::OnOwned(const TopicPartition& partition, Offset claim) {
  table_.Learn(partition, {.claim = claim, .address = address_, .own = true});
  if (address_.empty()) return;
  log::v1::Route route;
  route.set_topic(partition.topic);
  route.set_partition(partition.partition);
  route.set_claim_offset(claim);
  route.set_address(address_);
  routes_->Publish(std::move(route));
}

void Companions::AskBarrier(const TopicPartition& partition, absl::Time deadline,
                            BarrierDone done) {
  table_.Await(
      partition, -1, std::min(deadline, clock_->Steady() + kRouteWait),
      [this, partition, deadline, done = std::move(done)](absl::StatusOr<Route> route) mutable {
        if (!route.ok()) return done(route.status());
        if (route->own) return done(Unavailable("this instance is about to own the partition"));
        Ask<log::v1::PassBarrierRequest>(
            PeerAt(route->address), *log::v1::PassBarrierRequest::descriptor()->file()->service(0),
            "PassBarrier", {.deadline = deadline},
            [&](log::v1::PassBarrierRequest& request) {
              request.set_topic(partition.topic);
              request.set_partition(partition.partition);
            },
            [done = std::move(done)](const Reply& reply) mutable {
              log::v1::PassBarrierResponse response;
              if (!reply.status.ok()) return done(reply.status);
              if (!response.ParseFromString(reply.body)) {
                return done(absl::InternalError("the owner's answer cannot be read"));
              }
              done(response.offset());
            });
      });
}

void Companions::Owner::Handle(CallPtr call) {
  const auto& request = static_cast<const log::v1::PassBarrierRequest&>(*call->request);
  for (Service* service : companions->services_) {
    const std::string& name = service->spec().name;
    const bool reference = request.topic() == ReferenceTopicOf(name);
    const int partitions = reference ? 1 : companions->partitions_;
    if (!reference && request.topic() != TopicOf(name)) continue;
    if (request.partition() < 0 || request.partition() >= partitions) break;
    const absl::Time deadline = call->metadata.deadline;
    return service->PassBarrier(reference ? kReferencePartition : request.partition(), deadline,
                                [call = std::move(call)](absl::StatusOr<Offset> passed) mutable {
                                  if (!passed.ok()) return Finish(std::move(call), passed.status());
                                  log::v1::PassBarrierResponse response;
                                  response.set_offset(*passed);
                                  Finish(std::move(call),
                                         Reply{.body = response.SerializeAsString()});
                                });
  }
  const absl::Status unknown =
      NotFound(absl::StrCat(request.topic(), "/", request.partition()), "not a partition of here");
  Finish(std::move(call), unknown);
}

Handler& Companions::PeerAt(const std::string& address) {
  static auto* const stopping = new Stopping;
  std::lock_guard lock(mutex_);
  if (stopping_) return *stopping;
  auto& client = clients_[address];
  if (client == nullptr) client = std::make_unique<GrpcClient>(address, credentials_);
  return *client;
}

void Companions::Tick() {
  table_.Expire(clock_->Steady());
}

void Companions::Stop() {
  table_.Stop();
  std::lock_guard lock(mutex_);
  stopping_ = true;
}

}  // namespace rapport
