// A service: its aggregates, its partitions, its RPCs. What tells accounts from sales is only the
// ServiceSpec, the list of all it supports.
//
// Threads: Handle from any thread; Start and Stop from one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rapport/log/v1/consistency.pb.h"
#include "services/runtime/aggregate/process.h"
#include "services/runtime/aggregate/reads.h"
#include "services/runtime/aggregate/service_spec.h"
#include "services/runtime/aggregate/shard.h"
#include "services/runtime/aggregate/target.h"
#include "services/runtime/aggregate/timers.h"
#include "services/runtime/aggregate/topics.h"

namespace rapport {

using BarrierDone = absl::AnyInvocable<void(absl::StatusOr<Offset>)>;

struct ServiceOptions {
  std::string data_dir;
  int partitions = 32;
  EventLog* log = nullptr;
  // Whether other instances write to the log, too: partitions are claimed as SetWanted says.
  bool shared = false;
  Executor* executor = nullptr;
  Clock* clock = nullptr;
  const StoreResources* stores = nullptr;
  // Key of request hashes, page tokens and own request ids (own_request_id.h); the same for ever
  // and in every instance.
  std::string secret;
  std::function<void(const BatchFigures&)> on_batch;
  Ownership::Told on_ownership;
  // Told when this instance owns a partition, under which claim. Must be short.
  std::function<void(const TopicPartition&, Offset claim)> on_owned;
  // Asks another instance, the owner, how far a partition must have been read to hold all that was
  // acknowledged by now; where the log is shared.
  std::function<void(const TopicPartition&, absl::Time deadline, BarrierDone done)> ask_barrier;
  // Answers the methods of all services, for processes and flows.
  Handler* peers = nullptr;
  std::function<void(const std::string& process, const ProcessFigures&)> on_acted;
  // Says why nothing may be written for now, such as a full disk; asked before each write of a
  // caller. Nothing where empty.
  std::function<absl::Status()> may_write;
  // Whether the process is to end, so that a start need not go on; never where empty.
  std::function<bool()> ended;
};

// One of a service's projections, for an operator.
struct ProjectionState {
  int number = 0;  // the partition's, or kReferencePartition
  TopicPartition partition;
  int version = 0;
  Shard::State state = Shard::State::kStarting;
  Offset applied = 0;
  Offset known_end = 0;
};

class Service : public Handler {
 public:
  Service(ServiceSpec spec, ServiceOptions options);
  ~Service() override;

  // Opens the projections and begins to claim the partitions, or to follow their owners; they serve
  // once Health is OK. FAILED_PRECONDITION for an RPC that nothing answers or a topic of another
  // size; CANCELLED where the process is to end.
  absl::Status Start();
  // Of a shared log: whether this instance should own a partition of the service's topics. A hint.
  void SetWanted(const TopicPartition& partition, bool wanted);
  // Finishes what is in flight; later calls are UNAVAILABLE. The log may be closed afterwards.
  void Stop();

  void Handle(CallPtr call) override;

  // Copies the projections into another data folder. The log, copied afterwards, holds all that
  // they do.
  absl::Status CopyTo(const std::string& data_dir) const;

  // Wakes what waits for time. Called a few times a second.
  void Tick();

  const ServiceSpec& spec() const { return spec_; }
  bool Handles(const MethodDescriptor* method) const { return methods_.contains(method); }
  // OK, or what the first shard says that neither serves nor follows.
  absl::Status Health() const;
  // Whether this instance owns a partition, or kReferencePartition.
  bool Owns(int partition) const;
  // Answers what other instances ask by ask_barrier. UNAVAILABLE where this one is not the owner.
  void PassBarrier(int partition, absl::Time deadline, BarrierDone done);
  std::vector<ProjectionState> projections() const;
  // Builds a partition's projection, or kReferencePartition's, anew beside the live one and
  // switches to it; says how many records it took. Returns when that is done, one at a time.
  // UNAVAILABLE while the live one is itself being filled; CANCELLED where the process is to end.
  absl::StatusOr<Offset> RebuildProjection(int partition, const std::function<bool()>& ended);
  // How many it owns, the reference partition among them.
  int owned() const;
  // How many there are to own.
  int partitions() const { return options_.partitions + (reference_ ? 1 : 0); }
  // Records of its own topics that are known and not applied, where others may own the partition or
  // it is not served yet: of all, and of the partition that has most.
  struct Lag {
    int64_t sum = 0;
    int64_t max = 0;
  };
  Lag lag() const;
  // Records applied and joined so far: what moves while it catches up.
  int64_t moved() const;
  size_t queued() const;
  // Projections that were damaged and begun anew, since the start.
  int replaced_projections() const;

 private:
  struct Reading;

  Shard& ShardAt(int partition) const;
  // Calls visit(Shard&) with every one, the reference partition's last.
  template <class Visit>
  void EachShard(const Visit& visit) const {
    for (const auto& shard : shards_) visit(*shard);
    if (reference_) visit(*reference_);
  }

  absl::Status OpenShards();
  absl::Status OpenShard(int partition, std::unique_ptr<Store>* store,
                         std::unique_ptr<Shard>* shard);
  void HandleWrite(CallPtr call, const Method& method);
  absl::StatusOr<Shard*> MakeCommand(const Method& method, Command* command);
  void HandleRead(CallPtr call, const Method& method);
  absl::StatusOr<std::vector<Shard*>> ReadTargets(const Method& method, const Message& request);
  absl::StatusOr<std::string> ReadWhole(const Method& method, const Message& request,
                                        const std::vector<Shard*>& shards);
  absl::StatusOr<std::string> Read(const Method& method, const Message& request,
                                   const std::vector<Shard*>& shards);
  // The caller's token raised to what these shards have seen of what the method reads or writes.
  std::string Token(log::v1::ConsistencyToken token, const Method& method,
                    const std::vector<Shard*>& shards) const;
  int TokenPartition(const Shard& shard) const;
  absl::Status AddTimers();
  void AddProcesses();
  void AwaitReferences(const std::vector<std::string>& names, const TopicPartition& own,
                       absl::Time deadline, Waiters::Ready ready);
  absl::StatusOr<const Message*> ReadReference(const AggregateType& type, const std::string& name,
                                               google::protobuf::Arena* arena);

  const ServiceSpec spec_;
  const ServiceOptions options_;
  const Targets targets_;
  Registry registry_;
  MethodTable methods_;
  std::vector<std::unique_ptr<Store>> stores_;  // the partitions', then the reference partition's
  std::vector<std::unique_ptr<Shard>> shards_;  // the partitions
  std::unique_ptr<Shard> reference_;            // where the service has reference data
  std::vector<std::unique_ptr<Process>> processes_;
  std::vector<std::unique_ptr<Timers>> timers_;  // of each partition, where the service has any
  std::mutex random_mutex_;
  std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace rapport
