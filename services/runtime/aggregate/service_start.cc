// How a service starts.
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/runtime/aggregate/await.h"
#include "services/runtime/aggregate/service.h"
#include "services/runtime/base/executor.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

// To open one mostly waits, for the disk and for the log.
constexpr int kOpenedAtATime = 32;

}  // namespace

absl::Status Service::Start() {
  ASSIGN_OR_RETURN(methods_, BuildMethods(spec_.rpc, registry_.types(), spec_.own_methods));
  std::vector<std::string> topics = {TopicOf(spec_.name)};
  if (!spec_.parents_service.empty()) topics.push_back(TopicOf(spec_.parents_service));
  for (const JoinSpec& join : spec_.joins) topics.push_back(TopicOf(join.service));
  for (const std::string& topic : topics) {
    RETURN_IF_ERROR(options_.log->EnsureTopic(topic, options_.partitions));
  }
  if (HasReferenceData(spec_)) {
    RETURN_IF_ERROR(options_.log->EnsureTopic(ReferenceTopicOf(spec_.name), 1));
  }
  RETURN_IF_ERROR(OpenShards());
  if (reference_) reference_->Start();
  for (auto& shard : shards_) shard->Start();
  RETURN_IF_ERROR(AddTimers());
  AddProcesses();
  return absl::OkStatus();
}

absl::Status Service::OpenShards() {
  const size_t partitions = options_.partitions;
  const size_t count = partitions + (HasReferenceData(spec_) ? 1 : 0);
  std::vector<absl::Status> opened(count);
  std::vector<std::unique_ptr<Store>> stores(count);
  std::vector<std::unique_ptr<Shard>> shards(count);
  ForEach(count, kOpenedAtATime, [&](size_t i) {
    const int partition = i < partitions ? static_cast<int>(i) : kReferencePartition;
    opened[i] = OpenShard(partition, &stores[i], &shards[i]);
  });
  for (const absl::Status& one : opened) RETURN_IF_ERROR(one);
  stores_ = std::move(stores);
  if (HasReferenceData(spec_)) {
    reference_ = std::move(shards.back());
    shards.pop_back();
  }
  shards_ = std::move(shards);
  return absl::OkStatus();
}

absl::Status Service::OpenShard(int partition, std::unique_ptr<Store>* store,
                                std::unique_ptr<Shard>* shard) {
  RETURN_IF_ERROR(CheckGoesOn(spec_.name, options_.ended));
  const bool reference = partition == kReferencePartition;
  const std::string path = reference ? ReferenceProjectionPath(options_.data_dir, spec_)
                                     : ProjectionPath(options_.data_dir, spec_, partition);
  RemoveFormerGenerations(path);
  ASSIGN_OR_RETURN(*store, Store::OpenOrReplace(*options_.stores, NewestGeneration(path)));
  ShardOptions options{
      .partition = reference ? TopicPartition{ReferenceTopicOf(spec_.name), 0}
                             : TopicPartition{TopicOf(spec_.name), partition},
      .log = options_.log,
      .shared = options_.shared,
      .store = store->get(),
      .executor = options_.executor,
      .clock = options_.clock,
      .registry = &registry_,
      .read_reference =
          [this](const AggregateType& type, const std::string& name,
                 google::protobuf::Arena* arena) { return ReadReference(type, name, arena); },
      .on_owned = options_.on_owned,
      .on_batch = options_.on_batch,
      .on_ownership = options_.on_ownership};
  if (options_.shared) {
    options.await_references = [this](const auto& names, const auto& own, absl::Time deadline,
                                      Waiters::Ready ready) {
      AwaitReferences(names, own, deadline, std::move(ready));
    };
  }
  if (!reference) {
    if (!spec_.parents_service.empty()) {
      options.parents = TopicPartition{TopicOf(spec_.parents_service), partition};
      options.parents_collection = spec_.parents_collection;
    }
    for (const JoinSpec& join : spec_.joins) {
      options.joins.emplace_back(join, TopicPartition{TopicOf(join.service), partition},
                                 options_.log, store->get());
    }
  }
  *shard = std::make_unique<Shard>(std::move(options));
  (*shard)->Load();
  return absl::OkStatus();
}

absl::Status Service::AddTimers() {
  TimersOptions options{.registry = &registry_,
                        .handler = this,
                        .clock = options_.clock,
                        .executor = options_.executor,
                        .secret = options_.secret};
  for (const auto& type : registry_.types()) {
    if (type.on_due == nullptr) continue;
    for (const auto& [method, what] : methods_) {
      if (method->input_type() == type.on_due) options.methods[&type] = method;
    }
    if (!options.methods.contains(&type)) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the timers of ", type.plural, " send ", type.on_due->name(), ", which no RPC takes"));
    }
  }
  if (options.methods.empty()) return absl::OkStatus();
  for (auto& shard : shards_) {
    options.shard = shard.get();
    timers_.push_back(std::make_unique<Timers>(options));
  }
  return absl::OkStatus();
}

void Service::AddProcesses() {
  for (const ProcessSpec& spec : spec_.processes) {
    for (auto& shard : shards_) {
      ProcessOptions options{.spec = &spec,
                             .source = {TopicOf(spec.source), shard->partition().partition},
                             .shard = shard.get(),
                             .log = options_.log,
                             .peers = options_.peers,
                             .executor = options_.executor,
                             .secret = options_.secret};
      if (options_.on_acted) {
        options.on_acted = [this, &spec](const ProcessFigures& figures) {
          options_.on_acted(spec.name, figures);
        };
      }
      processes_.push_back(std::make_unique<Process>(std::move(options)));
    }
  }
}

}  // namespace rapport
