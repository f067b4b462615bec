// What must hold in a log and in a projection, each looked at alone.
//
// Problems are sentences that name the record or the resource; the functions fail only where
// nothing can be read.
// Threads: none of their own; the store may be open for reading only.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/runtime/aggregate/overlay.h"
#include "services/runtime/log/log.h"
#include "services/runtime/store/store.h"

namespace rapport {

// Of one partition: more would be more of the same.
inline constexpr size_t kMaxProblems = 10;
using Problems = std::vector<std::string>;

struct LogFigures {
  int64_t records = 0;
  int64_t claims = 0;
  int64_t events = 0;
  // Not valid under the rule of validity.h: written by who no longer owned the partition, or after
  // a record that was lost. They are no problem: every reader skips them.
  int64_t void_records = 0;
};

// Every offset up to `until` holds a record that can be read; the sequences of each root are
// gapless over its valid events; each root belongs to this partition of `partitions`; recorded
// time does not go back.
absl::StatusOr<LogFigures> CheckLog(EventLog& log, const TopicPartition& partition, int partitions,
                                    Offset until, Problems* problems);

// Every row has its index entries, and every index entry its row; each root's history is gapless
// from 1; what processes were refused lies at its own time.
absl::Status CheckProjection(const Store& store, const Registry& registry, Problems* problems);

}  // namespace rapport
