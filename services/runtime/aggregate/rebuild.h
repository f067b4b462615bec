// A projection that is built anew from its logs while the live one serves, and then takes its
// place.
//
//   Rebuild rebuild(shard.RebuildFrom(path, &resources));
//   RETURN_IF_ERROR(rebuild.Run(applied, ended));   // takes as long as the log is long
//   shard.SwitchTo(&rebuild, switched);             // the rest, between two batches
//
// Threads: one at a time; CatchUp and TakeStore on the shard's strand.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "services/runtime/aggregate/join.h"
#include "services/runtime/aggregate/parents.h"
#include "services/runtime/aggregate/replay.h"

namespace rapport {

// A larger batch folds more changes of one row into one write; far larger ones no longer fit the
// processor's cache, and their memory comes from the kernel anew each time.
inline constexpr size_t kBulkRecords = 2'048;

struct RebuildOptions {
  std::string path;  // of the projection's first generation
  const StoreResources* resources = nullptr;
  TopicPartition partition;
  EventLog* log = nullptr;
  const Registry* registry = nullptr;
  std::optional<TopicPartition> parents;
  std::string parents_collection;
  std::vector<Join> joins;  // those of the live one
};

// How far the live projection is, in its own log and those that it follows.
struct Reached {
  Offset applied = 0;
  Offset followed = 0;
  std::vector<Offset> joined;
};

class Rebuild {
 public:
  explicit Rebuild(RebuildOptions options);
  // Takes away what did not become the live one.
  ~Rebuild();

  // From nothing to about `applied`, which is asked again and again, in a folder of its own.
  // CANCELLED where the process is to end.
  absl::Status Run(const std::function<Offset()>& applied, const std::function<bool()>& ended);
  // As far as the live one, in its own log exactly.
  absl::Status CatchUp(const Reached& live);
  std::unique_ptr<Store> TakeStore() { return std::move(store_); }

  // Records that were applied.
  Offset records() const { return position_.next; }

 private:
  absl::Status Fill(const std::function<Offset()>& applied, const std::function<bool()>& ended);
  absl::Status Open(const std::string& path, StoreMode mode);

  const RebuildOptions options_;
  const std::string path_;
  std::unique_ptr<Store> store_;
  // Of the store that is open.
  std::optional<Replay> replay_;
  Position position_;
  std::optional<Parents> parents_;
  std::vector<Join> joins_;
};

}  // namespace rapport
