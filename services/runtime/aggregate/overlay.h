// What a batch of events makes of a projection, before it is written.
//
// The command path decides upon an Overlay, so that a command sees its batch's earlier events; it
// is thrown away if the log does not take them. Replay and rebuild use the same class: a fold is a
// fold. What is durable is written in one batch: rows, indexes, history, request ids, what
// processes did, and the checkpoint. Threads: one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/arena.h"
#include "rapport/log/v1/record.pb.h"
#include "rapport/log/v1/stored.pb.h"
#include "services/runtime/aggregate/aggregate.h"
#include "services/runtime/store/store.h"

namespace rapport {

// A request id is remembered this long, in recorded time.
inline constexpr int64_t kRequestWindowSeconds = 7 * 24 * 3'600;

// The aggregates of a service, found by what names or events say.
class Registry {
 public:
  explicit Registry(std::vector<AggregateType> types);
  const std::vector<AggregateType>& types() const { return types_; }
  // By the collection in a resource name: "orders". Null if there is none.
  const AggregateType* FindByPlural(absl::string_view plural) const;

 private:
  std::vector<AggregateType> types_;
  absl::flat_hash_map<std::string, const AggregateType*> by_plural_;
};

// The last sequences of a partition's busy roots, so that most commands look up none. Confirmed
// ones only.
class SequenceCache {
 public:
  std::optional<int64_t> Find(const std::string& root) const {
    const auto found = last_.find(root);
    return found == last_.end() ? std::nullopt : std::optional(found->second);
  }
  void Store(const std::string& root, int64_t last) {
    if (last_.size() >= kMaxRoots) last_.clear();
    last_[root] = last;
  }
  void Clear() { last_.clear(); }

 private:
  // 2,000,000 of 32 partitions; about 6 MiB of one, if so many are written to.
  static constexpr size_t kMaxRoots = 65'536;
  absl::flat_hash_map<std::string, int64_t> last_;
};

class Overlay {
 public:
  struct Row {
    const AggregateType* type = nullptr;
    Message* state = nullptr;  // null: there is no such resource
    std::string bytes;         // the state, serialised
    bool changed = false;
    std::vector<std::string> keys_before;  // of indexes, as the store has them
  };

  // `cache` may be null; it outlives the overlay and learns what WriteTo wrote.
  Overlay(const Store& store, const Registry& registry, SequenceCache* cache = nullptr)
      : store_(store), registry_(registry), cache_(cache) {}

  absl::StatusOr<Row*> Find(const AggregateType& type, const std::string& name);
  // A row that bears the mark, null where none does.
  absl::StatusOr<const Row*> FindMarked(const AggregateType& type, const Mark& mark);
  // The row of a name that is known to be new.
  Row* Add(const AggregateType& type, const std::string& name);
  absl::StatusOr<int64_t> LastSequence(const std::string& root);
  absl::StatusOr<std::optional<log::v1::AnsweredRequest>> FindRequest(
      const std::string& root, const std::string& request_id);

  // Folds a valid record; `bytes` is the record as the log has it. The two-argument form parses
  // the event. DATA_LOSS for a record that this program cannot read: it must not be skipped.
  absl::Status Apply(const log::v1::Record& record, std::string bytes);
  absl::Status Apply(const log::v1::Record& record, std::string bytes, const Message* event);

  // One write: all of it or nothing. The overlay is done afterwards.
  absl::Status WriteTo(Store& store, const log::v1::Checkpoint& checkpoint);

  google::protobuf::Arena* arena() { return &arena_; }
  size_t size() const { return records_.size(); }

 private:
  absl::Status ApplyAdvanced(const log::v1::Record& record);

  const Store& store_;
  const Registry& registry_;
  SequenceCache* const cache_;
  google::protobuf::Arena arena_;
  absl::node_hash_map<std::string, Row> rows_;
  absl::flat_hash_map<std::string, int64_t> sequences_;                  // of roots with new events
  absl::flat_hash_map<std::string, log::v1::AnsweredRequest> requests_;  // by key
  absl::flat_hash_map<std::string, std::string> cursors_;                // of processes, by key
  std::vector<std::pair<std::string, std::string>> records_;             // history key, bytes
  std::vector<std::pair<std::string, std::string>> refused_;             // of processes: key, row
};

// The stored row and its bytes, null where there is none. DATA_LOSS where it cannot be read.
absl::StatusOr<Message*> ReadStored(const Store& store, const AggregateType& type,
                                    const std::string& name, google::protobuf::Arena* arena,
                                    std::string* bytes);

// Whether a projection's row may be forgotten at `now`: request ids that are past their window by a
// day, so that clocks need not agree. They grow without end otherwise.
bool MayForget(absl::string_view key, absl::string_view value, absl::Time now);

// The keys that make a row findable otherwise than by name.
std::vector<std::string> IndexKeys(const AggregateType& type, const Message& state);

// Serialised so that equal messages are equal bytes.
std::string SerializeDeterministic(const Message& message);

}  // namespace rapport
