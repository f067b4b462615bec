// Builds projections anew from the log, beside the live ones, and switches when they are done.
#pragma once

#include "absl/time/time.h"
#include "tools/rapportctl/data_folder.h"

namespace rapport {

struct RebuildFigures {
  size_t projections = 0;
  int64_t records = 0;
  absl::Duration duration;
};

// Of one service. A projection is switched by itself: whatever interrupts a rebuild, each folder is
// the old or the new one, or missing, and then the server builds it from the log when it starts.
absl::StatusOr<RebuildFigures> RebuildService(DataFolder& data, const ServiceFolder& service);

// Replays a partition into a new projection at `path`, from the log's beginning to `until`.
// Whatever was at `path` is removed.
absl::Status BuildProjection(DataFolder& data, const ServiceFolder& service,
                             const TopicPartition& partition, const std::string& path,
                             Offset until);

// The same into an empty store, which is flushed.
absl::Status ReplayInto(DataFolder& data, const ServiceFolder& service,
                        const TopicPartition& partition, Offset until, Store& store);

}  // namespace rapport
