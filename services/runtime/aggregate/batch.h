// The commands that a shard decides together: each upon what was confirmed and what the batch
// decided before it, so that their records can be appended in one piece and thrown away in one.
//
// Threads: one, the shard's strand.
#pragma once

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "services/runtime/aggregate/method.h"
#include "services/runtime/aggregate/overlay.h"
#include "services/runtime/aggregate/parents.h"
#include "services/runtime/aggregate/replay.h"
#include "services/runtime/base/clock.h"
#include "services/runtime/rpc/call.h"

namespace rapport {

// A stored resource and an event; what grows beyond is child rows.
inline constexpr size_t kMaxRowBytes = 64 << 10;

// One write on its way.
struct Command {
  CallPtr call;
  const Method* method = nullptr;
  std::string name;  // empty where the shard is to make the child's id
  std::string root;
  std::string request_id;
  bool request_id_given = false;
  std::string request_hash;
  bool validate_only = false;
  // A record of the service's own, in place of everything else: PROCESS_ADVANCED, where `name` is
  // the process's, or BARRIER.
  log::v1::Record::Kind own = log::v1::Record::KIND_UNSPECIFIED;
  std::string own_value;
  Offset parents_needed = 0;  // the parents' log must have been followed to here first
};

struct BatchOptions {
  const Registry* registry = nullptr;
  const Store* store = nullptr;
  Clock* clock = nullptr;
  Parents* parents = nullptr;  // null where no other service decides which roots live
  SequenceCache* sequences = nullptr;
  std::mt19937_64* random = nullptr;  // of the ids that are made
  // Reference data of the service as it is now, null where there is none; the arena's.
  std::function<absl::StatusOr<const Message*>(const AggregateType& type, const std::string& name,
                                               google::protobuf::Arena* arena)>
      read_reference;
};

class Batch {
 public:
  // The records follow the last valid one at `position`, which stays where it is meanwhile, and are
  // all of its time. What the options name outlives the batch.
  Batch(const BatchOptions& options, const Position& position)
      : options_(options),
        position_(position),
        overlay_(*options.store, *options.registry, options.sequences) {}

  // What the command will be told if the log takes the batch.
  absl::StatusOr<Reply> Decide(Command& command);

  // What decisions looked for elsewhere and did not find, as yet.
  const std::vector<std::string>& not_found() const { return not_found_; }

  // To be appended, in this order.
  const std::vector<std::string>& records() const { return records_; }
  std::vector<std::string> TakeRecords() { return std::move(records_); }
  // What the records change, and how far the log is read then, in one write.
  absl::Status WriteTo(Store& store, const log::v1::Checkpoint& checkpoint) {
    return overlay_.WriteTo(store, checkpoint);
  }

 private:
  absl::Status CheckOwnRoot(const Command& command);
  absl::StatusOr<Reply> DecideNew(Command& command, const AggregateType& type);
  absl::StatusOr<const Message*> ReadOther(absl::string_view root, const AggregateType& type,
                                           const std::string& name);
  absl::Status ReadRows(const Command& command, const Message* state, RowsRead* rows);
  absl::StatusOr<Reply> AnswerRepeat(const Command& command,
                                     const log::v1::AnsweredRequest& answered);
  absl::StatusOr<Reply> Preview(const AggregateType& type, const Overlay::Row& row,
                                const Message* event, const Context& context);
  log::v1::Record NextRecord(log::v1::Record::Kind kind, const std::string& subject) const;
  absl::Status AddOwn(const Command& command);
  absl::Status AddRecord(const Command& command, const Context& context, const Message* event);

  const BatchOptions& options_;
  const Position& position_;
  Overlay overlay_;
  std::vector<std::string> records_;
  std::vector<std::string> not_found_;
};

}  // namespace rapport
