// What a service reads: which shards, from when on, and with which token.
#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "services/runtime/aggregate/consistency.h"
#include "services/runtime/aggregate/service.h"
#include "services/runtime/base/resource_name.h"

namespace rapport {

constexpr absl::string_view kStrong = "strong";

// One read: waits for one position after another that its token names, then answers. A strong one
// first learns of every position how far it must be.
struct Service::Reading : std::enable_shared_from_this<Reading> {
  // Of the shard's own log, or of what it joins from a service.
  struct Need {
    Shard* shard;
    const JoinSpec* join;
    Offset offset;
  };

  Service* service;
  const Method* method;
  CallPtr call;
  log::v1::ConsistencyToken token;
  std::vector<Shard*> shards;
  std::vector<Need> needs;  // most calls have none
  size_t next = 0;
  std::mutex mutex;
  size_t learning = 0;   // answers that are still out
  absl::Status learned;  // the first failure

  bool strong() const { return !call->metadata.read.empty(); }

  void FindNeeds() {
    for (Shard* shard : shards) {
      if (method->kind != Method::Kind::kRootQuery) {
        AddNeed(shard, nullptr, service->spec_.number, service->TokenPartition(*shard));
        continue;
      }
      for (const JoinSpec& join : service->spec_.joins) {
        AddNeed(shard, &join, join.number, shard->partition().partition);
      }
    }
  }

  void AddNeed(Shard* shard, const JoinSpec* join, int number, int partition) {
    const Offset offset = OffsetIn(token, number, partition);
    const Offset seen = join == nullptr ? shard->applied() : *shard->joined(join->service);
    if (seen < offset || strong()) needs.push_back({shard, join, offset});
  }

  void Begin() {
    FindNeeds();
    if (!strong()) return Go();
    learning = needs.size();
    for (Need& need : needs) {
      auto self = shared_from_this();
      auto learned = [self, &need](absl::StatusOr<Offset> end) { self->Learned(need, end); };
      const TopicPartition& partition = need.shard->partition();
      if (need.join != nullptr) {
        service->options_.log->End({TopicOf(need.join->service), partition.partition}, learned);
      } else if (service->options_.ask_barrier && need.shard->state() != Shard::State::kServing) {
        service->options_.ask_barrier(partition, call->metadata.deadline, learned);
      } else {
        service->PassBarrier(service->TokenPartition(*need.shard), call->metadata.deadline,
                             learned);
      }
    }
  }

  void Learned(Need& need, const absl::StatusOr<Offset>& end) {
    {
      std::lock_guard lock(mutex);
      if (end.ok()) need.offset = std::max(need.offset, *end);
      learned.Update(end.status());
      if (--learning > 0) return;
    }
    if (!learned.ok()) return Finish(std::move(call), learned);
    Go();
  }

  void Go() {
    if (next == needs.size()) return Answer();
    const Need& need = needs[next++];
    auto ready = [self = shared_from_this()](const absl::Status& status) {
      if (!status.ok()) return Finish(std::move(self->call), status);
      self->Go();
    };
    const absl::Time deadline = call->metadata.deadline;
    if (need.join == nullptr) return need.shard->WhenApplied(need.offset, deadline, ready);
    need.shard->WhenJoined(need.join->service, need.offset, deadline, ready);
  }

  void Answer() {
    absl::StatusOr<std::string> body = service->ReadWhole(*method, *call->request, shards);
    if (!body.ok()) return Finish(std::move(call), body.status());
    Finish(std::move(call), Reply{.body = *std::move(body),
                                  .consistency_token = service->Token(token, *method, shards)});
  }
};

void Service::HandleRead(CallPtr call, const Method& method) {
  absl::StatusOr<log::v1::ConsistencyToken> token =
      ParseConsistencyToken(call->metadata.consistency_token);
  if (!token.ok()) return Finish(std::move(call), token.status());
  if (!call->metadata.read.empty() && call->metadata.read != kStrong) {
    const absl::Status wrong =
        InvalidField("Rapport-Read", "must be strong, or left out where a token will do");
    return Finish(std::move(call), wrong);
  }
  absl::StatusOr<std::vector<Shard*>> shards = ReadTargets(method, *call->request);
  if (!shards.ok()) return Finish(std::move(call), shards.status());
  auto reading = std::make_shared<Reading>();
  reading->service = this;
  reading->method = &method;
  reading->call = std::move(call);
  reading->token = *std::move(token);
  reading->shards = *std::move(shards);
  reading->Begin();
}

absl::StatusOr<std::vector<Shard*>> Service::ReadTargets(const Method& method,
                                                         const Message& request) {
  ASSIGN_OR_RETURN(const Target target, targets_.OfRead(method, request));
  std::vector<Shard*> shards;
  if (target.partition == kAllPartitions) {
    for (auto& shard : shards_) shards.push_back(shard.get());
  } else {
    shards.push_back(&ShardAt(target.partition));
  }
  for (const Shard* shard : shards) RETURN_IF_ERROR(shard->CheckReadable());
  return shards;
}

// A projection that was begun anew meanwhile says of nothing that it exists.
absl::StatusOr<std::string> Service::ReadWhole(const Method& method, const Message& request,
                                               const std::vector<Shard*>& shards) {
  const auto replaced = [&shards] {
    int sum = 0;
    for (const Shard* shard : shards) sum += shard->store().replaced();
    return sum;
  };
  const int before = replaced();
  for (const Shard* shard : shards) RETURN_IF_ERROR(shard->CheckReadable());
  absl::StatusOr<std::string> body = Read(method, request, shards);
  if (replaced() != before) return Unavailable("the projection is being rebuilt");
  return body;
}

absl::StatusOr<std::string> Service::Read(const Method& method, const Message& request,
                                          const std::vector<Shard*>& shards) {
  if (method.kind == Method::Kind::kRootQuery) {
    return method.own->root_query(request,
                                  Parts(shards[0]->store(), GetString(request, method.name)));
  }
  if (method.kind == Method::Kind::kGet) return ReadOne(method, request, shards[0]->store());
  if (method.kind == Method::Kind::kListEvents) {
    return ReadEvents(static_cast<const log::v1::ListEventsRequest&>(request), shards[0]->store(),
                      spec_.name);
  }
  std::vector<const Store*> stores;
  for (Shard* shard : shards) stores.push_back(&shard->store());
  if (method.kind == Method::Kind::kListRefused) {
    return ReadRefused(static_cast<const log::v1::ListRefusedReactionsRequest&>(request), stores,
                       options_.secret);
  }
  if (method.kind == Method::Kind::kQuery) {
    return method.own->query(request, Projections(std::move(stores), options_.clock->Now()));
  }
  return ReadList({.method = &method,
                   .request = &request,
                   .stores = std::move(stores),
                   .token_key = options_.secret});
}

int Service::TokenPartition(const Shard& shard) const {
  return &shard == reference_.get() ? kReferencePartition : shard.partition().partition;
}

std::string Service::Token(log::v1::ConsistencyToken token, const Method& method,
                           const std::vector<Shard*>& shards) const {
  // A list over all customers names no positions: it would be a token of every partition.
  if (shards.size() == 1) {
    Shard& shard = *shards[0];
    if (method.kind == Method::Kind::kRootQuery) {
      for (const JoinSpec& join : spec_.joins) {
        Raise(token, join.number, shard.partition().partition, *shard.joined(join.service));
      }
    } else {
      Raise(token, spec_.number, TokenPartition(shard), shard.applied());
    }
  }
  return FormatConsistencyToken(token);
}

namespace {

// Told of several things, tells of all.
struct Gathered {
  Waiters::Ready ready;
  std::mutex mutex;
  size_t missing;
  absl::Status status;

  void Add(const absl::Status& one) {
    {
      std::lock_guard lock(mutex);
      status.Update(one);
      if (--missing > 0) return;
    }
    ready(status);
  }
};

}  // namespace

// The end of their logs is what another owner had acknowledged by now.
void Service::AwaitReferences(const std::vector<std::string>& names, const TopicPartition& own,
                              absl::Time deadline, Waiters::Ready ready) {
  absl::flat_hash_set<Shard*> shards;
  for (const std::string& name : names) {
    const absl::StatusOr<int> partition = targets_.PartitionOfRoot(RootOf(name));
    if (!partition.ok()) continue;
    Shard& shard = ShardAt(*partition);
    if (shard.partition().topic != own.topic || shard.partition().partition != own.partition) {
      shards.insert(&shard);
    }
  }
  if (shards.empty()) return ready(absl::OkStatus());
  auto all = std::make_shared<Gathered>();
  all->ready = std::move(ready);
  all->missing = shards.size();
  for (Shard* shard : shards) {
    options_.log->End(shard->partition(), [all, shard, deadline](absl::StatusOr<Offset> end) {
      if (!end.ok()) return all->Add(end.status());
      shard->WhenApplied(*end, deadline, [all](const absl::Status& seen) { all->Add(seen); });
    });
  }
}

// Of a log that is not shared projections hold all that was acknowledged: reference data, and roots
// of other partitions. Otherwise they may lack what others acknowledged just now.
absl::StatusOr<const Message*> Service::ReadReference(const AggregateType& type,
                                                      const std::string& name,
                                                      google::protobuf::Arena* arena) {
  const absl::StatusOr<int> partition = targets_.PartitionOfRoot(RootOf(name));
  Ensure(partition.ok(), "a reference names a resource of the same service");
  const Shard& shard = ShardAt(*partition);
  RETURN_IF_ERROR(shard.CheckReadable());
  std::string bytes;
  return ReadStored(shard.store(), type, name, arena, &bytes);
}

}  // namespace rapport
