// Which roots live, followed from the log of the service that decides it: a case belongs to a
// customer, and accounts says which customers there are.
//
// What was followed is in the projection's table of parents, with its own position.
// Threads: one, the shard's strand.
#pragma once

#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "services/runtime/aggregate/replay.h"

namespace rapport {

class Parents {
 public:
  // `collection`: whose roots are followed, "customers". Log and store outlive it.
  Parents(TopicPartition partition, std::string collection, EventLog* log, Store* store)
      : partition_(std::move(partition)),
        collection_(std::move(collection)),
        log_(log),
        store_(store) {}

  const TopicPartition& partition() const { return partition_; }
  // The offset after the last record that was followed.
  Offset next() const { return position_.next; }

  // Goes on where the projection left off.
  absl::Status Load();
  // Follows what the log holds now. What was followed before a failure stays.
  absl::Status Follow();

  // OK where the root lives, or is of a collection that is not followed; NOT_FOUND or DELETED by
  // what was followed so far; UNAVAILABLE where that is not up to `needed` yet.
  absl::Status Check(const std::string& root, Offset needed);

 private:
  const TopicPartition partition_;
  const std::string collection_;
  EventLog* const log_;
  Store* const store_;
  Position position_;
  absl::flat_hash_set<std::string> live_;  // some of those that live
};

}  // namespace rapport
