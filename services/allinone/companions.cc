#include "services/allinone/companions.h"

#include <algorithm>
#include <utility>

#include "services/runtime/aggregate/topics.h"

namespace rapport {
namespace {

class Stopping : public Handler {
 public:
  void Handle(CallPtr call) override { Finish(std::move(call), ShuttingDown()); }
};

}  // namespace

Companions::Companions(KafkaLogOptions kafka, int partitions, Clock* clock)
    : kafka_(std::move(kafka)), partitions_(partitions), clock_(clock) {}

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

absl::StatusOr<Handler*> Companions::RouterFor(const ServiceSpec& spec, Service* here) {
  specs_.push_back(std::make_unique<ServiceSpec>(spec));
  RouterOptions options{
      .spec = specs_.back().get(),
      .partitions = partitions_,
      .here = here,
      .owns = [here](int partition) { return here->Owns(partition); },
      .routes = &table_,
      .peer = [this](const std::string& address) -> Handler& { return PeerAt(address); },
      .clock = clock_};
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

Handler& Companions::PeerAt(const std::string& address) {
  static auto* const stopping = new Stopping;
  std::lock_guard lock(mutex_);
  if (stopping_) return *stopping;
  auto& client = clients_[address];
  if (client == nullptr) client = std::make_unique<GrpcClient>(address);
  return *client;
}

void Companions::Tick() {
  table_.Expire(clock_->Now());
}

void Companions::Stop() {
  table_.Stop();
  std::lock_guard lock(mutex_);
  stopping_ = true;
}

}  // namespace rapport
