// Brings a projection up to its log: the same fold for a shard that starts, for a rebuild beside
// the live projection, and for a check against it.
//
//   Replay replay({.partition = partition, .log = &log, .registry = &registry, .store = &store});
//   ASSIGN_OR_RETURN(Position position, LoadPosition(store, kAppliedPosition));
//   RETURN_IF_ERROR(replay.Run(until, &position));
#pragma once

#include <functional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "rapport/log/v1/stored.pb.h"
#include "services/runtime/aggregate/overlay.h"
#include "services/runtime/log/log.h"
#include "services/runtime/log/validity.h"
#include "services/runtime/store/store.h"

namespace rapport {

// How far a partition was read, and what decides whether the next record is valid.
struct Position {
  Offset next = 0;  // the offset after the last record seen
  Validity validity;
  google::protobuf::Timestamp record_time;  // of the last valid record
};

// The names under which a projection keeps its positions: in its own log, and in the log that says
// which parents live.
inline constexpr absl::string_view kAppliedPosition = "applied";
inline constexpr absl::string_view kFollowedPosition = "followed";

// The beginning where the store has none. DATA_LOSS where it cannot be read.
absl::StatusOr<Position> LoadPosition(const Store& store, absl::string_view name);
Position FromCheckpoint(const log::v1::Checkpoint& checkpoint);
log::v1::Checkpoint ToCheckpoint(const Position& position);

// The failure of a record that is no record.
absl::Status CannotRead(const TopicPartition& partition, Offset offset);

// Records of one write: small enough that a shard that starts publishes its progress.
inline constexpr size_t kReplayRecords = 1'024;

struct ReplayOptions {
  TopicPartition partition;
  EventLog* log = nullptr;
  const Registry* registry = nullptr;
  Store* store = nullptr;
  size_t batch_records = kReplayRecords;
  // Told of those that do not count, once they are passed by.
  std::function<void(size_t void_records)> on_void;
};

// Threads: one, the one that writes the store.
class Replay {
 public:
  explicit Replay(ReplayOptions options) : options_(std::move(options)) {}

  // Whether the store was made from this log: the claim that it names last is where it says.
  // DATA_LOSS where something else is there, or nothing.
  absl::Status CheckSameLog(const Position& position) const;

  // Applies the records from `position` to `until`, which the log must reach. The position moves
  // with every write, and `applied`, where there is one, is told. After a failure position and
  // store still agree. UNAVAILABLE where the log does not reach so far yet; DATA_LOSS where a
  // record is missing or unknown, or the store is ahead of `until`.
  absl::Status Run(Offset until, Position* position,
                   const std::function<void(Offset)>& applied = nullptr);

  // Applies the next records, those of one write, and says whether there were any.
  absl::StatusOr<bool> Step(Position* position) { return Step(options_.batch_records, position); }

 private:
  absl::StatusOr<bool> Step(size_t limit, Position* position);

  const ReplayOptions options_;
};

}  // namespace rapport
