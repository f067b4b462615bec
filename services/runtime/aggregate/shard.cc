#include "services/runtime/aggregate/shard.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/runtime/aggregate/consistency.h"
#include "services/runtime/aggregate/rebuild.h"
#include "services/runtime/base/ids.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/resource_name.h"
#include "services/runtime/base/round.h"
#include "services/runtime/base/time.h"

namespace rapport {
namespace {

// How long the shard waits after a failure; random, so that two instances that
// both want a partition do not depose each other in step.
constexpr int kMinBackoffMs = 20;
constexpr int kMaxBackoffMs = 250;
// For reference data that another instance may have written. Others of the partition's commands
// wait too.
constexpr absl::Duration kReferenceWait = absl::Seconds(2);

}  // namespace

Shard::Shard(ShardOptions options)
    : options_(std::move(options)),
      ownership_(options_.on_ownership),
      replay_({.partition = options_.partition,
               .log = options_.log,
               .registry = options_.registry,
               .store = options_.store,
               .on_void = [this](size_t void_records) { ownership_.PassedBy(void_records); }}),
      random_(options_.seed ? *options_.seed : std::random_device{}()),
      wanted_(!options_.shared) {
  if (options_.parents) {
    parents_.emplace(*options_.parents, options_.parents_collection, options_.log, options_.store);
  }
  batch_options_ = {.registry = options_.registry,
                    .store = options_.store,
                    .clock = options_.clock,
                    .parents = parents_ ? &*parents_ : nullptr,
                    .sequences = &sequences_,
                    .random = &random_,
                    .read_reference = options_.read_reference};
  for (const Join& join : options_.joins) joins_.emplace_back(join);
}

void Shard::Start() {
  if (parents_) {
    options_.log->Watch(parents_->partition(), [this] {
      follow_wanted_ = true;
      Schedule();
    });
  }
  // Joined at the next tick, many records at once: nobody waits for it but who says so.
  for (const Joined& one : joins_) {
    options_.log->Watch(one.join.partition(), [this] { joins_grew_ = true; });
  }
  if (options_.shared) {
    options_.log->Watch(options_.partition, [this] {
      grew_ = true;
      Schedule();
    });
  }
  SetWanted(wanted_);
}

void Shard::SetWanted(bool wanted) {
  ownership_.Wanted(wanted);
  wanted_ = wanted;
  Schedule();
}

// What is loaded already stays; false where it cannot be.
bool Shard::EnsureLoaded() {
  if (loaded_) return true;
  absl::Status loaded = LoadPositions();
  if (loaded.ok() && state_ == State::kStarting) loaded = replay_.CheckSameLog(position_);
  if (!loaded.ok()) Recover(loaded);
  loaded_ = loaded.ok();
  return loaded_;
}

// Whatever was decided or admitted and not confirmed is forgotten with what is loaded here.
absl::Status Shard::LoadPositions() {
  ASSIGN_OR_RETURN(position_, LoadPosition(*options_.store, kAppliedPosition));
  if (parents_) RETURN_IF_ERROR(parents_->Load());
  for (Joined& one : joins_) {
    RETURN_IF_ERROR(one.join.Load());
    waiters_.Publish(one.next, one.join.next());
  }
  PublishApplied(position_.next);
  return absl::OkStatus();
}

void Shard::Stop(absl::AnyInvocable<void()> stopped) {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    stopped_ = std::move(stopped);
  }
  waiters_.Stop();
  Schedule();
}

void Shard::Submit(Command command) {
  if (const absl::Status refusal = Enqueue(command); !refusal.ok()) {
    return Finish(std::move(command.call), refusal);
  }
  RunHere();
}

// Takes the command, unless it is refused.
absl::Status Shard::Enqueue(Command& command) {
  std::lock_guard lock(mutex_);
  if (stopping_) return ShuttingDown();
  if (queue_.size() >= kMaxQueuedCommands) {
    return Overloaded("too many commands are waiting");
  }
  if (state_ != State::kServing) {
    return Unavailable(trouble_.empty() ? "starting" : trouble_);
  }
  queue_.push_back(std::move(command));
  return absl::OkStatus();
}

void Shard::WhenApplied(Offset offset, absl::Time deadline, Waiters::Ready ready) {
  waiters_.Wait(applied_, offset, deadline, std::move(ready));
}

void Shard::WhenJoined(absl::string_view service, Offset offset, absl::Time deadline,
                       Waiters::Ready ready) {
  for (Joined& one : joins_) {
    if (one.join.service() != service) continue;
    waiters_.Wait(one.next, offset, deadline, std::move(ready));
    join_wanted_ = true;
    return Schedule();
  }
  ready(absl::OkStatus());
}

void Shard::Barrier(absl::Time deadline, Waiters::Ready ready) {
  Command command{.call = std::make_unique<Call>(), .own = log::v1::Record::BARRIER};
  command.call->metadata.deadline = deadline;
  command.call->done = [ready = std::move(ready)](const Reply& reply) mutable {
    ready(reply.status);
  };
  Submit(std::move(command));
}

std::optional<Offset> Shard::joined(absl::string_view service) const {
  for (const Joined& one : joins_) {
    if (one.join.service() == service) return one.next.load();
  }
  return std::nullopt;
}

void Shard::Tick() {
  const absl::Time now = options_.clock->Steady();
  waiters_.Expire(now);
  bool retry;
  {
    std::lock_guard lock(mutex_);
    retry = (!settled() || options_.store->damaged()) && retry_at_ <= now;
    retry = retry || switch_;
  }
  if (joins_grew_.exchange(false)) {
    join_wanted_ = true;
    retry = true;
  }
  if (retry) Schedule();
}

absl::Status Shard::CheckReadable() const {
  if (state_ != State::kStarting) return absl::OkStatus();
  return Unavailable("starting", absl::Milliseconds(100));
}

size_t Shard::queued() const {
  std::lock_guard lock(mutex_);
  return queue_.size();
}

std::string Shard::trouble() const {
  std::lock_guard lock(mutex_);
  return trouble_;
}

// --- the strand

// On a thread of the executor: for whoever must not be held up, the log's watchers and the clock.
void Shard::Schedule() {
  if (TakeTurn()) options_.executor->Submit([this] { Run(); });
}

// On the caller's thread: a hand-over between threads costs more than a small batch.
void Shard::RunHere() {
  if (TakeTurn()) Run();
}

bool Shard::TakeTurn() {
  std::lock_guard lock(mutex_);
  return !std::exchange(scheduled_, true);
}

void Shard::Run() {
  absl::AnyInvocable<void()> work;
  while (FindWork(&work)) work();
  if (work) work();  // the last thing before the shard may be gone
}

// What there is to do, if anything. Unscheduled in the same breath when there is nothing.
bool Shard::FindWork(absl::AnyInvocable<void()>* work) {
  std::lock_guard lock(mutex_);
  *work = nullptr;
  if (completion_) {
    *work = std::exchange(completion_, nullptr);
    asked_ = false;
    return true;
  }
  if (!asked_) {
    if (options_.store->damaged() && !stopping_ && retry_at_ <= options_.clock->Steady()) {
      *work = [this] { BeginAnew(); };
      return true;
    }
    const bool may_try = !stopping_ && retry_at_ <= options_.clock->Steady();
    if (wanted_ && state_ != State::kServing && may_try) {
      *work = [this] { BeginClaim(); };
      return true;
    }
    if (options_.shared && may_try && grew_.exchange(false)) {
      *work = [this] { FollowOwner(); };
      return true;
    }
    if (switch_ && (stopping_ || switch_->ended() || (loaded_ && state_ != State::kStarting))) {
      *work = [this] { Switch(); };
      return true;
    }
    // Only from positions that are loaded: who recovers loads them again after its back-off. And
    // not while stopping, as the log may be closed once that is done.
    const bool follows = loaded_ && !stopping_;
    // Before the next batch, or a busy shard would never hear of deletions.
    if (follows && parents_ && follow_wanted_.exchange(false)) {
      *work = [this] {
        if (const absl::Status followed = parents_->Follow(); !followed.ok()) Recover(followed);
      };
      return true;
    }
    if (follows && state_ != State::kStarting && join_wanted_.exchange(false)) {
      *work = [this] { FollowJoins(); };
      return true;
    }
    if (state_ == State::kServing && !queue_.empty()) {
      *work = [this] { TakeBatch(); };
      return true;
    }
    if (stopping_ && stopped_ && answering_ == 0) *work = std::exchange(stopped_, nullptr);
  }
  scheduled_ = false;
  return false;
}

void Shard::Ask() {
  std::lock_guard lock(mutex_);
  asked_ = true;
  asked_at_ = SteadyNow();
}

void Shard::Complete(absl::AnyInvocable<void()> completion) {
  {
    std::lock_guard lock(mutex_);
    completion_ = std::move(completion);
  }
  RunHere();
}

// --- owning the partition

void Shard::BeginClaim() {
  if (!EnsureLoaded()) return;
  Ask();
  options_.log->Claim(options_.partition, [this](absl::StatusOr<Epoch> claim) {
    Complete([this, claim = std::move(claim)] { CatchUp(claim); });
  });
}

void Shard::CatchUp(const absl::StatusOr<Epoch>& claim) {
  if (!claim.ok()) return Recover(claim.status());
  ownership_.Claimed();
  const absl::Status replayed = replay_.Run(claim->offset + 1, &position_,
                                            [this](Offset applied) { PublishApplied(applied); });
  if (!replayed.ok()) return Recover(replayed);
  if (position_.validity.claim.id != claim->id) {
    return Recover(Deposed("another owner claimed the partition meanwhile"));
  }
  {
    std::lock_guard lock(mutex_);
    trouble_.clear();
    claim_ = claim->offset;
    state_ = State::kServing;
  }
  ownership_.Serving();
  if (options_.on_owned) options_.on_owned(options_.partition, claim->offset);
}

// What was written since, by whichever owner: a bounded piece, so that commands come in between.
void Shard::FollowOwner() {
  if (!EnsureLoaded()) return;
  const Epoch own = position_.validity.claim;
  const absl::StatusOr<bool> more = replay_.Step(&position_);
  if (!more.ok()) return Recover(more.status());
  PublishApplied(position_.next);
  if (*more) grew_ = true;
  if (state_ == State::kServing && position_.validity.claim.id != own.id) {
    Recover(Deposed("another owner claimed the partition"));
  }
  if (state_ == State::kServing || wanted_ || *more) return;
  std::lock_guard lock(mutex_);
  trouble_ = "another instance owns the partition";
  state_ = State::kFollowing;
}

// Whatever was not confirmed is forgotten; the next claim reads what became of it.
void Shard::Recover(const absl::Status& why) {
  ownership_.Recovering(why, wanted_, state_ == State::kServing);
  sequences_.Clear();
  loaded_ = false;
  // What was being read may have failed, and its log will not call again.
  grew_ = true;
  follow_wanted_ = true;
  joins_grew_ = true;
  std::deque<Command> refused;
  {
    std::lock_guard lock(mutex_);
    if (state_ != State::kStarting) state_ = State::kRecovering;
    trouble_ = std::string(why.message());
    const auto backoff_ms = kMinBackoffMs + random_() % (kMaxBackoffMs - kMinBackoffMs);
    retry_at_ = options_.clock->Steady() + absl::Milliseconds(backoff_ms);
    refused.swap(queue_);
  }
  for (auto& command : refused) {
    Finish(std::move(command.call), Unavailable(why.message()));
  }
}

// The log has all that a damaged projection said: begins an empty one, which the next claim fills.
void Shard::BeginAnew() {
  Recover(absl::DataLossError("the projection is damaged; it is rebuilt from the log"));
  state_ = State::kStarting;
  absl::Status begun = options_.store->Replace();
  if (begun.ok()) begun = LoadPositions();
  if (!begun.ok()) Recover(begun);
}

RebuildOptions Shard::RebuildFrom(std::string path, const StoreResources* resources) const {
  return {.path = std::move(path),
          .resources = resources,
          .partition = options_.partition,
          .log = options_.log,
          .registry = options_.registry,
          .parents = options_.parents,
          .parents_collection = options_.parents_collection,
          .joins = options_.joins};
}

void Shard::SwitchTo(Rebuild* rebuild, std::function<bool()> ended,
                     absl::AnyInvocable<void(absl::Status)> switched) {
  {
    std::lock_guard lock(mutex_);
    switch_ = PendingSwitch{rebuild, std::move(ended), std::move(switched)};
  }
  Schedule();
}

// Nothing is in flight, so that what is applied is all there is to catch up with.
void Shard::Switch() {
  PendingSwitch pending;
  absl::Status status;
  {
    std::lock_guard lock(mutex_);
    pending = *std::exchange(switch_, std::nullopt);
    if (stopping_ || pending.ended()) status = absl::CancelledError("the process is to end");
  }
  if (status.ok()) {
    Reached reached{.applied = position_.next};
    if (parents_) reached.followed = parents_->next();
    for (const Joined& one : joins_) reached.joined.push_back(one.join.next());
    status = pending.rebuild->CatchUp(reached);
  }
  if (status.ok()) {
    options_.store->SwitchTo(pending.rebuild->TakeStore());
    status = LoadPositions();
    if (!status.ok()) Recover(status);
  }
  pending.switched(status);
}

// --- parents

// Where some of the batch's parents do not live, it may be that they only have not been seen yet.
bool Shard::AllParentsLive() {
  return !parents_ ||
         std::all_of(commands_.begin(), commands_.end(), [this](const Command& command) {
           return parents_->Check(command.root, command.parents_needed).ok();
         });
}

// --- joins

// A bounded piece of each, so that commands come in between.
void Shard::FollowJoins() {
  for (Joined& one : joins_) {
    const absl::StatusOr<bool> more = one.join.Follow();
    if (absl::IsUnavailable(more.status())) {
      joins_grew_ = true;  // its log, not this shard's; at the next tick
      continue;
    }
    if (!more.ok()) return Recover(more.status());
    if (!*more) continue;
    waiters_.Publish(one.next, one.join.next());
    joins_grew_ = true;  // go on at the next tick, or at once where somebody waits
    if (!waiters_.empty()) join_wanted_ = true;
  }
}

// --- the command path

void Shard::TakeBatch() {
  {
    std::lock_guard lock(mutex_);
    while (!queue_.empty() && commands_.size() < kMaxBatchCommands) {
      commands_.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
  }
  figures_ = {.commands = commands_.size()};
  references_awaited_ = options_.await_references == nullptr;
  taken_at_ = SteadyNow();
  if (AllParentsLive()) return DecideBatch();
  // Only after the end of the parents' log has been seen may an unknown or deleted parent be
  // refused: it may have been created or undeleted a moment ago.
  Ask();
  options_.log->End(parents_->partition(), [this](absl::StatusOr<Offset> end) {
    Complete([this, end = std::move(end)] {
      absl::Status followed = end.status();
      if (followed.ok() && parents_->next() < *end) followed = parents_->Follow();
      if (followed.ok() && parents_->next() < *end) {
        followed = Unavailable("the parents' log is not readable to its end yet");
      }
      if (!followed.ok()) return FailBatch(followed);
      DecideBatch();
    });
  });
}

void Shard::DecideBatch() {
  position_.record_time = Later(position_.record_time, ToTimestamp(options_.clock->Now()));
  batch_.emplace(batch_options_, position_);
  for (auto& command : commands_) {
    absl::StatusOr<Reply> reply = batch_->Decide(command);
    if (!reply.ok()) reply = Reply{.status = reply.status()};
    decided_.push_back({nullptr, *std::move(reply)});
  }
  if (!references_awaited_ && !batch_->not_found().empty()) return AwaitReferences();
  for (size_t i = 0; i < commands_.size(); ++i) decided_[i].call = std::move(commands_[i].call);
  commands_.clear();
  figures_.records = batch_->records().size();
  Ask();
  if (!batch_->records().empty()) {
    options_.log->Append(options_.partition, batch_->TakeRecords(),
                         [this](absl::StatusOr<std::vector<Offset>> offsets) {
                           Complete([this, offsets = std::move(offsets)] { Confirm(offsets); });
                         });
    return;
  }
  // Refusals and repeats only: given once the log was seen to hold nothing newer.
  options_.log->End(options_.partition, [this](absl::StatusOr<Offset> end) {
    Complete([this, end = std::move(end)] {
      if (!end.ok()) return FailBatch(end.status());
      if (*end == position_.next) return FinishBatch();
      const absl::Status deposed = Deposed("another owner wrote to the partition");
      FailBatch(deposed);
      Recover(deposed);
    });
  });
}

// What another instance made a moment ago may only not have been seen here: decided once more when
// it must have been.
void Shard::AwaitReferences() {
  references_awaited_ = true;
  const std::vector<std::string> names = batch_->not_found();
  batch_.reset();
  decided_.clear();
  Ask();
  options_.await_references(names, options_.partition, options_.clock->Steady() + kReferenceWait,
                            [this](const absl::Status& seen) {
                              Complete([this, seen] {
                                if (!seen.ok()) return FailBatch(seen);
                                DecideBatch();
                              });
                            });
}

void Shard::Confirm(const absl::StatusOr<std::vector<Offset>>& offsets) {
  const absl::Time confirmed = SteadyNow();
  figures_.append_seconds = absl::ToDoubleSeconds(confirmed - asked_at_);
  if (absl::IsResourceExhausted(offsets.status())) return FailBatch(offsets.status());
  absl::Status status = offsets.status();
  if (status.ok()) status = StepTo(*offsets);
  if (status.ok()) {
    position_.next = offsets->back() + 1;
    status = batch_->WriteTo(*options_.store, ToCheckpoint(position_));
    if (status.ok()) PublishApplied(position_.next);
  }
  if (!status.ok()) {
    FailBatch(status);
    return Recover(status);
  }
  figures_.apply_seconds = absl::ToDoubleSeconds(SteadyNow() - confirmed);
  FinishBatch();
}

// Moves the validity over the batch's own records. Where they do not follow what is applied, what
// lies between is read: a newer claim ends the ownership, void records are stepped over.
absl::Status Shard::StepTo(const std::vector<Offset>& offsets) {
  const Offset last = offsets.back();
  if (offsets.front() == position_.next &&
      last - position_.next + 1 == static_cast<Offset>(offsets.size())) {
    position_.validity.number += static_cast<int64_t>(offsets.size());
    return absl::OkStatus();
  }
  const absl::Status deposed = Deposed("another owner claimed the partition");
  if (offsets.front() < position_.next) return deposed;
  Validity validity = position_.validity;
  ASSIGN_OR_RETURN(
      const std::vector<Entry> entries,
      options_.log->Read(options_.partition, position_.next, last - position_.next + 1));
  log::v1::Record record;
  size_t own = 0;
  for (const auto& entry : entries) {
    if (!record.ParseFromString(entry.bytes)) return CannotRead(options_.partition, entry.offset);
    const bool valid = validity.Admit(entry.offset, record);
    if (record.kind() == log::v1::Record::CLAIM) return deposed;
    const bool is_own = own < offsets.size() && entry.offset == offsets[own];
    if (valid != is_own) return deposed;
    if (is_own) ++own;
  }
  if (own != offsets.size()) return deposed;
  ownership_.PassedBy(entries.size() - own);
  position_.validity = validity;
  return absl::OkStatus();
}

void Shard::FinishBatch() {
  batch_.reset();
  {
    std::lock_guard lock(mutex_);
    ++answering_;
  }
  Round::PutOff([this, decided = std::exchange(decided_, {}), figures = figures_,
                 taken_at = taken_at_]() mutable {
    for (auto& one : decided) Finish(std::move(one.call), std::move(one.reply));
    figures.acknowledge_seconds = absl::ToDoubleSeconds(SteadyNow() - taken_at);
    if (options_.on_batch) options_.on_batch(figures);
    Answered();
  });
}

// The shard may be gone when this returns: whoever stops it waits for the answers.
void Shard::Answered() {
  {
    std::lock_guard lock(mutex_);
    --answering_;
    if (!stopping_ || std::exchange(scheduled_, true)) return;
  }
  Run();
}

// Nothing of the batch may be told: refusals and repeats were decided upon what is thrown away.
void Shard::FailBatch(const absl::Status& why) {
  const absl::Status status = absl::IsResourceExhausted(why) ? why : Unavailable(why.message());
  std::vector<Decided> decided = std::exchange(decided_, {});
  std::deque<Command> undecided = std::exchange(commands_, {});
  batch_.reset();
  for (auto& one : decided) Finish(std::move(one.call), status);
  for (auto& command : undecided) Finish(std::move(command.call), status);
}

}  // namespace rapport
