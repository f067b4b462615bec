#include "services/runtime/aggregate/service.h"

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <future>

#include "absl/strings/str_cat.h"
#include "services/runtime/aggregate/consistency.h"
#include "services/runtime/aggregate/rebuild.h"
#include "services/runtime/aggregate/shape.h"
#include "services/runtime/base/hash.h"
#include "services/runtime/base/ids.h"
#include "services/runtime/base/resource_name.h"

namespace rapport {
namespace {

constexpr int kMaxRequestIdCharacters = 64;
// Of who calls; it stands in every record.
constexpr int kMaxActorCharacters = 256;
// Calls without a deadline of their own get this one: nothing waits for ever.
constexpr absl::Duration kDefaultDeadline = absl::Seconds(30);

bool IsPrintable(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

// A record that holds anything else could not be read again.
absl::Status CheckActor(absl::string_view actor) {
  if (IsPrintable(actor) && actor.size() <= kMaxActorCharacters) return absl::OkStatus();
  return InvalidField("X-Rapport-Actor",
                      absl::StrCat("1 to ", kMaxActorCharacters,
                                   " printable ASCII characters without spaces, as users/7"));
}

}  // namespace

Service::Service(ServiceSpec spec, ServiceOptions options)
    : spec_(std::move(spec)),
      options_(std::move(options)),
      targets_(spec_, options_.partitions),
      registry_(spec_.aggregates) {}

Service::~Service() = default;

void Service::Stop() {
  for (auto& process : processes_) process->Stop();
  std::vector<Shard*> all;
  EachShard([&all](Shard& shard) { all.push_back(&shard); });
  std::mutex mutex;
  std::condition_variable done;
  size_t running = all.size();
  for (Shard* shard : all) {
    shard->Stop([&] {
      std::lock_guard lock(mutex);
      --running;
      done.notify_one();
    });
  }
  std::unique_lock lock(mutex);
  done.wait(lock, [&] { return running == 0; });
}

void Service::Tick() {
  EachShard([](Shard& shard) { shard.Tick(); });
  for (auto& timers : timers_) timers->Tick();
  for (auto& process : processes_) process->Tick();
}

absl::Status Service::Health() const {
  const auto check = [this](const Shard& shard) -> absl::Status {
    if (shard.settled()) return absl::OkStatus();
    const std::string trouble = shard.trouble();
    return absl::UnavailableError(absl::StrCat(spec_.name, "/", shard.partition().partition, ": ",
                                               trouble.empty() ? "starting" : trouble));
  };
  for (const auto& shard : shards_) RETURN_IF_ERROR(check(*shard));
  if (reference_) RETURN_IF_ERROR(check(*reference_));
  for (const auto& process : processes_) {
    if (process->settled()) continue;
    return absl::UnavailableError(absl::StrCat(spec_.name, ": a process is not switched on"));
  }
  return absl::OkStatus();
}

void Service::SetWanted(const TopicPartition& partition, bool wanted) {
  const bool reference = partition.topic == ReferenceTopicOf(spec_.name);
  ShardAt(reference ? kReferencePartition : partition.partition).SetWanted(wanted);
}

absl::Status Service::CopyTo(const std::string& data_dir) const {
  const auto copy = [](const Shard& shard, const std::string& path) -> absl::Status {
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
    if (error) return Unavailable(absl::StrCat("cannot make ", path, ": ", error.message()));
    return shard.store().CopyTo(path);
  };
  for (int i = 0; i < options_.partitions; ++i) {
    RETURN_IF_ERROR(copy(*shards_[i], ProjectionPath(data_dir, spec_, i)));
  }
  if (reference_ == nullptr) return absl::OkStatus();
  return copy(*reference_, ReferenceProjectionPath(data_dir, spec_));
}

absl::StatusOr<Offset> Service::RebuildProjection(int partition,
                                                  const std::function<bool()>& ended) {
  Shard& shard = ShardAt(partition);
  RETURN_IF_ERROR(shard.CheckReadable());
  const std::string path = partition == kReferencePartition
                               ? ReferenceProjectionPath(options_.data_dir, spec_)
                               : ProjectionPath(options_.data_dir, spec_, partition);
  Rebuild rebuild(shard.RebuildFrom(path, options_.stores));
  RETURN_IF_ERROR(rebuild.Run([&shard] { return shard.applied(); }, ended));
  std::promise<absl::Status> switched;
  shard.SwitchTo(&rebuild, ended,
                 [&switched](absl::Status status) { switched.set_value(std::move(status)); });
  RETURN_IF_ERROR(switched.get_future().get());
  shard.CloseFormer();
  return rebuild.records();
}

bool Service::Owns(int partition) const {
  return ShardAt(partition).state() == Shard::State::kServing;
}

void Service::PassBarrier(int partition, absl::Time deadline, BarrierDone done) {
  Shard& shard = ShardAt(partition);
  shard.Barrier(deadline, [&shard, done = std::move(done)](const absl::Status& passed) mutable {
    done(passed.ok() ? absl::StatusOr<Offset>(shard.applied()) : passed);
  });
}

int Service::owned() const {
  int owned = reference_ && Owns(kReferencePartition) ? 1 : 0;
  for (int i = 0; i < options_.partitions; ++i) owned += Owns(i) ? 1 : 0;
  return owned;
}

// Who serves applies what it appends, or hears of another owner when it next looks.
Service::Lag Service::lag() const {
  Lag lag;
  EachShard([&lag](const Shard& shard) {
    if (shard.state() == Shard::State::kServing) return;
    const int64_t records = std::max<int64_t>(0, shard.known_end() - shard.applied());
    lag.sum += records;
    lag.max = std::max(lag.max, records);
  });
  return lag;
}

int64_t Service::moved() const {
  int64_t moved = 0;
  EachShard([this, &moved](const Shard& shard) {
    moved += shard.applied();
    for (const JoinSpec& join : spec_.joins) moved += shard.joined(join.service).value_or(0);
  });
  return moved;
}

size_t Service::queued() const {
  size_t queued = 0;
  EachShard([&queued](const Shard& shard) { queued += shard.queued(); });
  return queued;
}

int Service::replaced_projections() const {
  int replaced = 0;
  for (const auto& store : stores_) replaced += store->replaced();
  return replaced;
}

Shard& Service::ShardAt(int partition) const {
  return partition == kReferencePartition ? *reference_ : *shards_.at(partition);
}

std::vector<ProjectionState> Service::projections() const {
  std::vector<ProjectionState> all;
  EachShard([this, &all](const Shard& shard) {
    all.push_back({.number = TokenPartition(shard),
                   .partition = shard.partition(),
                   .version = spec_.projection_version,
                   .state = shard.state(),
                   .applied = shard.applied(),
                   .known_end = std::max(shard.applied(), shard.known_end())});
  });
  return all;
}

void Service::Handle(CallPtr call) {
  const auto method = methods_.find(call->method);
  if (method == methods_.end()) {
    const std::string name = call->method->full_name();
    return Finish(std::move(call),
                  absl::UnimplementedError(absl::StrCat(name, " is not of ", spec_.name)));
  }
  if (const absl::Status shape =
          CheckShape(*call->request, absl::ToUnixMicros(options_.clock->Now()));
      !shape.ok()) {
    return Finish(std::move(call), shape);
  }
  if (const absl::Status actor = CheckActor(call->metadata.actor); !actor.ok()) {
    return Finish(std::move(call), actor);
  }
  if (call->metadata.deadline == absl::InfiniteFuture()) {
    call->metadata.deadline = options_.clock->Steady() + kDefaultDeadline;
  }
  if (method->second.kind == Method::Kind::kFlow) {
    Handler& front = options_.peers == nullptr ? *this : *options_.peers;
    return method->second.own->flow(front, std::move(call));
  }
  if (method->second.writes()) return HandleWrite(std::move(call), method->second);
  HandleRead(std::move(call), method->second);
}

// --- writes

void Service::HandleWrite(CallPtr call, const Method& method) {
  if (options_.may_write) {
    if (const absl::Status may = options_.may_write(); !may.ok()) {
      return Finish(std::move(call), may);
    }
  }
  absl::StatusOr<log::v1::ConsistencyToken> token =
      ParseConsistencyToken(call->metadata.consistency_token);
  Command command{.call = std::move(call), .method = &method};
  if (!token.ok()) return Finish(std::move(command.call), token.status());
  const absl::StatusOr<Shard*> made = MakeCommand(method, &command);
  if (!made.ok()) return Finish(std::move(command.call), made.status());
  Shard* const shard = *made;
  if (token->positions_size() > 0) {
    // A parent's position is only ever named by the service that decides it, number 0.
    command.parents_needed = OffsetIn(*token, 0, shard->partition().partition);
  }
  command.call->done = [this, shard, &method, token = *std::move(token),
                        done = std::move(command.call->done)](Reply reply) mutable {
    reply.consistency_token = Token(std::move(token), method, {shard});
    done(std::move(reply));
  };
  shard->Submit(std::move(command));
}

// Fills the command, and says who decides it.
absl::StatusOr<Shard*> Service::MakeCommand(const Method& method, Command* command) {
  Message& request = *command->call->request;
  const auto* reflection = request.GetReflection();
  command->request_id = GetString(request, method.request_id);
  command->request_id_given = !command->request_id.empty();
  if (!command->request_id_given) {
    std::lock_guard lock(random_mutex_);
    command->request_id = MakeUlid(options_.clock->Now(), absl::MakeUint128(random_(), random_()));
  }
  if (!IsPrintable(command->request_id) || command->request_id.size() > kMaxRequestIdCharacters) {
    return InvalidField("request_id", "1 to 64 printable ASCII characters without spaces");
  }
  command->validate_only = reflection->GetBool(request, method.validate_only);
  // The hash is of what was asked for, not of how it was sent.
  reflection->ClearField(&request, method.request_id);
  reflection->ClearField(&request, method.validate_only);
  command->request_hash = KeyedHash(
      options_.secret, absl::StrCat(request.GetTypeName(), "\n", SerializeDeterministic(request)));
  ASSIGN_OR_RETURN(Target target, targets_.OfWrite(method, request, command->request_id));
  command->name = std::move(target.name);
  command->root = std::move(target.root);
  return &ShardAt(target.partition);
}

}  // namespace rapport
