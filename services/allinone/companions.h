// The other instances upon the same Kafka: who should own what, who does, and the way to them.
//
// Threads: RouterFor's handlers and OnOwned from any, the rest from one.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "services/runtime/aggregate/service.h"
#include "services/runtime/log/kafka/membership.h"
#include "services/runtime/log/kafka/routes.h"
#include "services/runtime/routing/router.h"
#include "services/runtime/rpc/client.h"
#include "services/runtime/tls/tls.h"

namespace rapport {

class Companions {
 public:
  // Others are called in plain text where `tls` is null.
  Companions(KafkaLogOptions kafka, int partitions, Clock* clock,
             const std::shared_ptr<const Tls>& tls);
  ~Companions();

  // Learns where owners are, from then on. Fails as KafkaRoutes::Follow.
  absl::Status FollowRoutes();

  // Answers the service's methods, here or wherever they are to be answered. `here` is null where
  // the service does not run in this process. Lives as long as this.
  absl::StatusOr<Handler*> RouterFor(const ServiceSpec& spec, Service* here,
                                     std::function<void(const RouteFigures&)> on_routed);

  // Takes part in sharing out the service's partitions; `address` is said of those that it gets.
  absl::Status Join(Service& service, const std::string& address);
  // Whether every group that was joined has said what this instance should own.
  bool joined() const;
  // Leaves the groups. Whether there are others who will take over.
  bool Leave();

  // Asks the partition's owner, as ServiceOptions.ask_barrier. UNAVAILABLE where it is not known or
  // does not answer.
  void AskBarrier(const TopicPartition& partition, absl::Time deadline, BarrierDone done);
  // Answers what others ask so, the methods of rapport.log.v1.Owner.
  Handler& owner() { return owner_; }

  // A partition's owner is this instance now.
  void OnOwned(const TopicPartition& partition, Offset claim);

  // Ends what waits for too long. Called a few times a second.
  void Tick();
  // Refuses what waits for others, and what comes later. Its end waits for what others still
  // answer.
  void Stop();

 private:
  struct Owner : Handler {
    explicit Owner(Companions* companions) : companions(companions) {}
    void Handle(CallPtr call) override;
    Companions* const companions;
  };

  Handler& PeerAt(const std::string& address);

  const KafkaLogOptions kafka_;
  const int partitions_;
  Clock* const clock_;
  const std::shared_ptr<grpc::ChannelCredentials> credentials_;
  Owner owner_{this};
  std::vector<Service*> services_;  // those here
  RouteTable table_;
  std::string address_;  // set before anything is owned
  std::mutex mutex_;
  bool stopping_ = false;
  std::map<std::string, std::unique_ptr<GrpcClient>> clients_;  // by address
  std::vector<std::unique_ptr<ServiceSpec>> specs_;             // of the routers
  std::vector<std::unique_ptr<Router>> routers_;
  std::vector<std::unique_ptr<KafkaMembership>> memberships_;
  std::unique_ptr<KafkaRoutes> routes_;
};

}  // namespace rapport
