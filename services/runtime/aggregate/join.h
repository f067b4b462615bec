// What a projection knows of its roots from the logs of services: a part for each root and source,
// folded in the source's own order, so that it does not matter how the topics interleave. Whoever
// asks puts the parts together.
//
// Beside the part, a fold may keep a note for each resource that the source's facts are about: what
// an order came to, so that a cancellation can take it away again.
// Threads: a Join is one thread's, the shard's strand; Parts are read from any.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "services/runtime/aggregate/replay.h"

namespace rapport {

struct JoinSpec {
  std::string service;  // whose log is followed: "sales"; the service's own is one like others
  int number = 0;       // the source's in consistency tokens
  const Descriptor* part = nullptr;
  const Descriptor* note = nullptr;
  // Folds one valid event. Total: never fails, never asks. What it does not know it leaves.
  void (*fold)(Message& part, Message& note, const log::v1::Record& record) = nullptr;
};

// The name under which the projection keeps how far it is.
std::string JoinPosition(absl::string_view service);

// Follows one source into one projection.
class Join {
 public:
  // Log and store outlive it.
  Join(JoinSpec spec, TopicPartition partition, EventLog* log, Store* store)
      : spec_(std::move(spec)), partition_(std::move(partition)), log_(log), store_(store) {}

  // The same into another projection, from its beginning.
  Join Into(Store* store) const { return {spec_, partition_, log_, store}; }

  const TopicPartition& partition() const { return partition_; }
  const std::string& service() const { return spec_.service; }
  // The offset after the last record that was folded.
  Offset next() const { return position_.next; }

  // Goes on where the projection left off.
  absl::Status Load();
  // Folds at most kReplayRecords; false where the log held nothing more.
  absl::StatusOr<bool> Follow();

 private:
  const JoinSpec spec_;
  const TopicPartition partition_;
  EventLog* const log_;
  Store* const store_;
  Position position_;
};

// The parts of one root, as they are now.
class Parts {
 public:
  Parts(const Store& store, std::string root) : store_(store), root_(std::move(root)) {}
  const std::string& root() const { return root_; }
  // Empty where the source said nothing of this root yet.
  template <class Part>
  absl::StatusOr<Part> Of(absl::string_view service) const {
    Part part;
    RETURN_IF_ERROR(Read(service, &part));
    return part;
  }

 private:
  absl::Status Read(absl::string_view service, Message* part) const;

  const Store& store_;
  const std::string root_;
};

}  // namespace rapport
