// The owner of one partition of one service: takes commands, decides them upon its projection,
// appends what was decided, and answers once it is durable and applied.
//
// One batch is in flight at a time; what queued meanwhile is the next one. Everything that
// changes state runs on a strand, on whichever thread brings the work, so that it needs no locks;
// reads come from
// confirmed state only and may come from any thread.
//
// The protocol is the log's (services/runtime/log/log.h): claim, replay up to the claim, then
// decide; an unknown outcome throws away what was decided and claims anew. Where the log is shared,
// an instance claims only while it is wanted; otherwise it follows what the owner writes, and an
// owner that is idle learns in the same way of a newer claim.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "services/runtime/aggregate/batch.h"
#include "services/runtime/aggregate/join.h"
#include "services/runtime/aggregate/ownership.h"
#include "services/runtime/aggregate/parents.h"
#include "services/runtime/aggregate/replay.h"
#include "services/runtime/aggregate/waiters.h"
#include "services/runtime/base/clock.h"
#include "services/runtime/base/executor.h"
#include "services/runtime/log/log.h"
#include "services/runtime/rpc/call.h"
#include "services/runtime/store/store.h"

namespace rapport {

class Rebuild;
struct RebuildOptions;

// Commands that wait in one shard; more are refused with RESOURCE_EXHAUSTED.
inline constexpr size_t kMaxQueuedCommands = 1'024;
// Commands of one batch: bounds what one unknown outcome throws away.
inline constexpr size_t kMaxBatchCommands = 256;
// What a batch did, for metrics.
struct BatchFigures {
  size_t commands = 0;
  size_t records = 0;
  double append_seconds = 0;       // until the log said durable
  double apply_seconds = 0;        // from then until the projection had it
  double acknowledge_seconds = 0;  // from taking the commands until all were answered
};

struct ShardOptions {
  TopicPartition partition;
  // Where the life of roots of this collection is decided; none where this service decides it, or
  // nobody does.
  std::optional<TopicPartition> parents;
  std::string parents_collection;  // "customers"
  std::vector<Join> joins;         // of this store
  EventLog* log = nullptr;
  // Whether other instances may own the partition, too: see SetWanted.
  bool shared = false;
  Store* store = nullptr;
  Executor* executor = nullptr;
  Clock* clock = nullptr;
  const Registry* registry = nullptr;
  decltype(BatchOptions::read_reference) read_reference;
  // Calls `ready` with OK once everything is applied that was acknowledged of these resources
  // before the call, by whichever owner; those of the shard's own partition need not be waited for.
  // None where nobody else owns a partition.
  std::function<void(const std::vector<std::string>& names, const TopicPartition& own,
                     absl::Time deadline, Waiters::Ready ready)>
      await_references;
  // Told when it serves, under which claim, on the strand.
  std::function<void(const TopicPartition&, Offset claim)> on_owned;
  std::function<void(const BatchFigures&)> on_batch;  // once it is answered
  Ownership::Told on_ownership;                       // on the strand
  // Of the ids and back-offs that the shard draws; random where absent.
  std::optional<uint64_t> seed;
};

class Shard {
 public:
  // kStarting until it serves or follows for the first time, and again while a damaged projection
  // is rebuilt: nothing may be read. What was confirmed stays readable while it recovers.
  // kFollowing: another instance may own the partition, and what it wrote is readable.
  enum class State { kStarting, kServing, kRecovering, kFollowing };

  explicit Shard(ShardOptions options);

  // Reads where the projection has got to, and sees that it is of this log. What fails is tried
  // again later, as it is without this; but then many shards have few threads to wait on.
  void Load() { EnsureLoaded(); }
  // Claims the partition and catches up. Returns at once; see state.
  void Start();
  // Of a shared log: whether this instance should own the partition, from now on. A hint, which may
  // be wrong without harm. One that is no longer wanted goes on until somebody else claims.
  void SetWanted(bool wanted);
  // Finishes what is queued or in flight, then takes nothing more. `stopped` is called once.
  void Stop(absl::AnyInvocable<void()> stopped);

  // Answers the call in the end. RESOURCE_EXHAUSTED where the queue is full.
  void Submit(Command command);

  // Calls `ready` with OK once everything before `offset` is applied, with UNAVAILABLE at
  // `deadline` or when the shard stops. Inline where it is so already.
  void WhenApplied(Offset offset, absl::Time deadline, Waiters::Ready ready);

  // The same for what is joined from another service's log; OK at once where nothing is.
  void WhenJoined(absl::string_view service, Offset offset, absl::Time deadline,
                  Waiters::Ready ready);

  // Calls `ready` with OK once everything is applied that was acknowledged before this call, by
  // whichever owner: the log takes a record of this one. UNAVAILABLE or RESOURCE_EXHAUSTED as for a
  // command.
  void Barrier(absl::Time deadline, Waiters::Ready ready);

  // What the same projection is built from, beside the one in this folder.
  RebuildOptions RebuildFrom(std::string path, const StoreResources* resources) const;
  // Catches the rest up and puts the rebuilt projection in the place of this one, between two
  // batches and once this one serves or follows. `switched` is called once, with OK, or with what
  // kept it from that, CANCELLED where `ended` says so first; `rebuild` outlives that.
  void SwitchTo(Rebuild* rebuild, std::function<bool()> ended,
                absl::AnyInvocable<void(absl::Status)> switched);

  // Waits for who still reads what was there before, and removes it. On any thread.
  void CloseFormer() { options_.store->CloseFormer(); }

  // Wakes what waits for time: retries, deadlines and what is to be joined. Called a few times a
  // second.
  void Tick();

  State state() const { return state_.load(); }
  // Serves, or follows where it is not wanted.
  bool settled() const {
    const State state = state_;
    return state == State::kServing || (state == State::kFollowing && !wanted_);
  }
  // The offset of the claim under which it serves, or served last: another one, and the partition
  // may have been somebody else's in between.
  Offset claim() const { return claim_.load(); }
  // UNAVAILABLE where the projection does not hold what was acknowledged.
  absl::Status CheckReadable() const;
  // The offset after the last applied record.
  Offset applied() const { return applied_.load(); }
  // As far as is known where the partition's log ends; the log is not asked.
  Offset known_end() const { return options_.log->KnownEnd(options_.partition); }
  // The offset after the last record that was joined from a service; none where it is not joined.
  std::optional<Offset> joined(absl::string_view service) const;
  size_t queued() const;
  const Store& store() const { return *options_.store; }
  const TopicPartition& partition() const { return options_.partition; }
  // What the last failure said; empty when serving.
  std::string trouble() const;

 private:
  // A command of the batch in flight, and what it will be told if the batch succeeds.
  struct Decided {
    CallPtr call;
    Reply reply;
  };

  // The strand: one task after another, whenever there is something to do.
  absl::Status Enqueue(Command& command);
  void Schedule();
  void RunHere();
  bool TakeTurn();
  void Run();
  bool FindWork(absl::AnyInvocable<void()>* work);
  void Ask();  // marks that the log was asked; Complete() brings its answer back to the strand
  void Complete(absl::AnyInvocable<void()> completion);

  bool EnsureLoaded();
  absl::Status LoadPositions();
  void FollowJoins();
  void FollowOwner();
  void BeginClaim();
  void CatchUp(const absl::StatusOr<Epoch>& claim);
  void Recover(const absl::Status& why);
  void BeginAnew();
  void Switch();

  bool AllParentsLive();
  void TakeBatch();
  void DecideBatch();
  void AwaitReferences();
  void Confirm(const absl::StatusOr<std::vector<Offset>>& offsets);
  absl::Status StepTo(const std::vector<Offset>& offsets);
  void FinishBatch();
  void Answered();
  void FailBatch(const absl::Status& why);
  void PublishApplied(Offset applied) { waiters_.Publish(applied_, applied); }

  const ShardOptions options_;

  Ownership ownership_;

  // The strand's own.
  Replay replay_;
  std::optional<Parents> parents_;
  struct Joined {
    explicit Joined(Join one) : join(std::move(one)) {}
    Join join;
    std::atomic<Offset> next{0};  // join.next(), for readers
  };
  std::deque<Joined> joins_;
  bool loaded_ = false;           // the positions, since the last recovery
  Position position_;             // applied_ is what readers may know of it
  std::deque<Command> commands_;  // of the batch in flight, until they are decided
  SequenceCache sequences_;
  std::mt19937_64 random_;
  BatchOptions batch_options_;
  std::optional<Batch> batch_;
  std::vector<Decided> decided_;
  bool references_awaited_ = false;  // for this batch
  BatchFigures figures_;
  absl::Time taken_at_;
  absl::Time asked_at_;

  std::atomic<State> state_{State::kStarting};
  std::atomic<Offset> claim_{-1};
  std::atomic<Offset> applied_{0};
  std::atomic<bool> wanted_;
  std::atomic<bool> grew_{true};  // the partition itself, where it is shared
  std::atomic<bool> follow_wanted_{true};
  std::atomic<bool> joins_grew_{true};
  std::atomic<bool> join_wanted_{false};

  Waiters waiters_;

  mutable std::mutex mutex_;
  std::deque<Command> queue_;
  absl::AnyInvocable<void()> completion_;  // what the log answered, to be run on the strand
  struct PendingSwitch {
    Rebuild* rebuild = nullptr;
    std::function<bool()> ended;
    absl::AnyInvocable<void(absl::Status)> switched;
  };
  std::optional<PendingSwitch> switch_;
  bool asked_ = false;  // the log has yet to answer
  bool scheduled_ = false;
  int answering_ = 0;  // batches whose answers were put off and are not out yet
  bool stopping_ = false;
  absl::AnyInvocable<void()> stopped_;
  std::string trouble_;
  absl::Time retry_at_ = absl::InfinitePast();
};

}  // namespace rapport
