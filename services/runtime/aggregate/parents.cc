#include "services/runtime/aggregate/parents.h"

#include "services/runtime/aggregate/aggregate.h"
#include "services/runtime/aggregate/consistency.h"
#include "services/runtime/base/resource_name.h"
#include "services/runtime/base/status.h"
#include "services/runtime/store/keys.h"

namespace rapport {
namespace {

// Live parents kept in memory: about 1 MiB of one partition.
constexpr size_t kMaxLive = 16'384;

}  // namespace

absl::Status Parents::Load() {
  live_.clear();
  ASSIGN_OR_RETURN(position_, LoadPosition(*store_, kFollowedPosition));
  return absl::OkStatus();
}

absl::Status Parents::Follow() {
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<Entry> entries,
                     log_->Read(partition_, position_.next, kReplayRecords));
    if (entries.empty()) return absl::OkStatus();
    rocksdb::WriteBatch batch;
    Position after = position_;
    log::v1::Record record;
    for (const auto& entry : entries) {
      if (!record.ParseFromString(entry.bytes)) return CannotRead(partition_, entry.offset);
      if (!after.validity.Admit(entry.offset, record)) continue;
      if (record.kind() != log::v1::Record::EVENT || record.subject() != record.root()) continue;
      if (CollectionOf(record.root()) != collection_) continue;
      const auto life = LifeOf(record);
      if (!life) continue;
      batch.Put(keys::Parent(record.root()), *life ? "+" : "-");
      live_.erase(record.root());
    }
    after.next = entries.back().offset + 1;
    batch.Put(keys::Meta(kFollowedPosition), ToCheckpoint(after).SerializeAsString());
    RETURN_IF_ERROR(store_->Write(&batch));
    position_ = after;
  }
}

absl::Status Parents::Check(const std::string& root, Offset needed) {
  if (CollectionOf(root) != collection_) return absl::OkStatus();
  if (needed > position_.next) return NotSeenYet();
  if (live_.contains(root)) return absl::OkStatus();
  std::string life;
  ASSIGN_OR_RETURN(const bool known, store_->Get(keys::Parent(root), &life));
  if (!known) return NotFound(root);
  if (life == "-") return Deleted(root);
  if (live_.size() >= kMaxLive) live_.clear();
  live_.insert(root);
  return absl::OkStatus();
}

}  // namespace rapport
