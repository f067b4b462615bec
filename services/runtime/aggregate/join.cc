#include "services/runtime/aggregate/join.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/status.h"
#include "services/runtime/store/keys.h"

namespace rapport {
namespace {

// What one batch folds: read once, written once.
class Folding {
 public:
  explicit Folding(const Store& store) : store_(store) {}

  absl::StatusOr<Message*> Find(const std::string& key, const Descriptor* type) {
    if (const auto known = messages_.find(key); known != messages_.end()) {
      return known->second.message;
    }
    Message* message = NewMessage(type, &arena_);
    ASSIGN_OR_RETURN(const bool stored, store_.Get(key, message));
    messages_[key] = {message, stored};
    return message;
  }

  void AddTo(rocksdb::WriteBatch* batch) const {
    for (const auto& [key, one] : messages_) {
      // Most resources need no note.
      if (!one.stored && one.message->ByteSizeLong() == 0) continue;
      batch->Put(key, SerializeDeterministic(*one.message));
    }
  }

 private:
  struct One {
    Message* message = nullptr;
    bool stored = false;
  };

  const Store& store_;
  google::protobuf::Arena arena_;
  absl::flat_hash_map<std::string, One> messages_;
};

}  // namespace

std::string JoinPosition(absl::string_view service) {
  return absl::StrCat("joined/", service);
}

absl::Status Join::Load() {
  ASSIGN_OR_RETURN(position_, LoadPosition(*store_, JoinPosition(spec_.service)));
  return absl::OkStatus();
}

absl::StatusOr<bool> Join::Follow() {
  ASSIGN_OR_RETURN(const std::vector<Entry> entries,
                   log_->Read(partition_, position_.next, kReplayRecords));
  if (entries.empty()) return false;
  Folding folding(*store_);
  Position after = position_;
  log::v1::Record record;
  for (const auto& entry : entries) {
    if (!record.ParseFromString(entry.bytes)) return CannotRead(partition_, entry.offset);
    if (!after.validity.Admit(entry.offset, record)) continue;
    if (record.kind() != log::v1::Record::EVENT) continue;
    ASSIGN_OR_RETURN(Message * part,
                     folding.Find(keys::Part(spec_.service, record.root(), ""), spec_.part));
    ASSIGN_OR_RETURN(
        Message * note,
        folding.Find(keys::Part(spec_.service, record.root(), record.subject()), spec_.note));
    spec_.fold(*part, *note, record);
  }
  after.next = entries.back().offset + 1;
  rocksdb::WriteBatch batch;
  folding.AddTo(&batch);
  batch.Put(keys::Meta(JoinPosition(spec_.service)), ToCheckpoint(after).SerializeAsString());
  RETURN_IF_ERROR(store_->Write(&batch));
  position_ = after;
  return true;
}

absl::Status Parts::Read(absl::string_view service, Message* part) const {
  return store_.Get(keys::Part(service, root_, ""), part).status();
}

}  // namespace rapport
