// The event log inside one process: a RocksDB, fsynced before anything is acknowledged.
//
// All partitions of all topics share one group commit: whatever was appended while the last fsync
// ran goes out with the next. One process at a time; the folder is locked.
//
// Stored format: key "T" + topic -> "<id> <partitions>"; key "R" + id (2 bytes) + partition
// (2 bytes) + offset (8 bytes), big-endian -> serialised rapport.log.v1.Record.
#pragma once

#include <memory>

#include "services/runtime/log/log.h"

namespace rapport {

struct EmbeddedLogOptions {
  std::string path;
  // Appends are refused while the file system has less free space than this, so that what was
  // acknowledged can always be applied and compacted.
  uint64_t min_free_bytes = 256 << 20;
  // Threads that commit groups and run their completions, in turn: one commits, one completes.
  int writers = 2;
  // False opens what is there for reading only, beside a process that writes.
  bool writable = true;
};

// Told after every group commit, on the log's thread: for metrics.
struct GroupCommit {
  size_t records = 0;
  size_t bytes = 0;
  double seconds = 0;
};

// NOT_FOUND where a log opened for reading is not there; UNAVAILABLE where another process has it;
// DATA_LOSS where its files are damaged or missing.
absl::StatusOr<std::unique_ptr<EventLog>> OpenEmbeddedLog(
    EmbeddedLogOptions options, std::function<void(const GroupCommit&)> on_commit = nullptr);

}  // namespace rapport
