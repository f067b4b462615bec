#include "services/runtime/aggregate/overlay.h"

#include <algorithm>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "rapport/log/v1/process.pb.h"
#include "services/runtime/aggregate/replay.h"
#include "services/runtime/aggregate/standard.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/resource_name.h"
#include "services/runtime/base/time.h"
#include "services/runtime/store/keys.h"

namespace rapport {
namespace {

using google::protobuf::Timestamp;

// What rocksdb adds to a key and value in a batch: a tag and two lengths.
constexpr size_t kPutOverheadBytes = 11;

// The text of an indexed field's value; enums by name, so that a filter finds them.
std::string IndexText(const Message& state, const FieldDescriptor* field, int i) {
  const auto* reflection = state.GetReflection();
  const bool repeated = field->is_repeated();
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
    return repeated ? reflection->GetRepeatedEnum(state, field, i)->name()
                    : reflection->GetEnum(state, field)->name();
  }
  Ensure(field->cpp_type() == FieldDescriptor::CPPTYPE_STRING,
         "only texts and enums are indexed so far");
  return repeated ? reflection->GetRepeatedString(state, field, i)
                  : reflection->GetString(state, field);
}

bool Bears(const Overlay::Row& row, const Mark& mark) {
  if (row.state == nullptr) return false;
  const std::vector<Mark> marks = row.type->marks(*row.state);
  return std::find(marks.begin(), marks.end(), mark) != marks.end();
}

}  // namespace

std::string SerializeDeterministic(const Message& message) {
  std::string bytes(message.ByteSizeLong(), '\0');
  google::protobuf::io::ArrayOutputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  google::protobuf::io::CodedOutputStream out(&stream);
  out.SetSerializationDeterministic(true);
  message.SerializeWithCachedSizes(&out);
  return bytes;
}

std::vector<std::string> IndexKeys(const AggregateType& type, const Message& state) {
  std::vector<std::string> keys;
  const auto* reflection = state.GetReflection();
  const std::string name = reflection->GetString(state, type.fields.name);
  for (const auto* field : type.indexed) {
    const int count = field->is_repeated() ? reflection->FieldSize(state, field) : 1;
    for (int i = 0; i < count; ++i) {
      keys.push_back(keys::Index(type.plural, field->name(), IndexText(state, field, i), name));
    }
  }
  if (!type.is_root) {
    const auto& time =
        static_cast<const Timestamp&>(reflection->GetMessage(state, type.fields.occur_time));

    keys.push_back(keys::Newest(type.plural, ParentOf(name), ToMicros(time), name));
  }
  if (type.marks != nullptr) {
    for (const Mark& mark : type.marks(state)) {
      keys.push_back(keys::Index(type.plural, mark.name, mark.value, name));
    }
  }
  if (type.due_time != nullptr) {
    if (const auto due = type.due_time(state)) keys.push_back(keys::Due(ToMicros(*due), name));
  }
  return keys;
}

bool MayForget(absl::string_view key, absl::string_view value, absl::Time now) {
  constexpr absl::Duration kGrace = absl::Hours(24);
  log::v1::AnsweredRequest answered;
  return keys::TableOf(key) == 'Q' &&
         answered.ParseFromArray(value.data(), static_cast<int>(value.size())) &&
         FromTimestamp(answered.record_time()) + absl::Seconds(kRequestWindowSeconds) + kGrace <
             now;
}

Registry::Registry(std::vector<AggregateType> types) : types_(std::move(types)) {
  for (auto& type : types_) {
    by_plural_[type.plural] = &type;
    type.references = FindReferences(type.state, types_);
  }
}

const AggregateType* Registry::FindByPlural(absl::string_view plural) const {
  const auto found = by_plural_.find(plural);
  return found == by_plural_.end() ? nullptr : found->second;
}

absl::StatusOr<Message*> ReadStored(const Store& store, const AggregateType& type,
                                    const std::string& name, google::protobuf::Arena* arena,
                                    std::string* bytes) {
  ASSIGN_OR_RETURN(const bool found, store.Get(keys::Row(type.plural, name), bytes));
  if (!found) return nullptr;
  Message* row = NewMessage(type.state, arena);
  if (row->ParseFromString(*bytes)) return row;
  return absl::DataLossError(absl::StrCat("the projection's row of ", name, " cannot be read"));
}

absl::StatusOr<Overlay::Row*> Overlay::Find(const AggregateType& type, const std::string& name) {
  if (const auto present = rows_.find(name); present != rows_.end()) return &present->second;
  // Kept only once it was read: a row that could not be is not a resource that does not exist.
  Row row{.type = &type};
  ASSIGN_OR_RETURN(row.state, ReadStored(store_, type, name, &arena_, &row.bytes));
  return &rows_.emplace(name, std::move(row)).first->second;
}

absl::StatusOr<const Overlay::Row*> Overlay::FindMarked(const AggregateType& type,
                                                        const Mark& mark) {
  for (const auto& [name, row] : rows_) {
    if (row.type == &type && Bears(row, mark)) return &row;
  }
  // The index is of before the batch: what it changed since is passed by, so that this ends.
  const std::string prefix = keys::Index(type.plural, mark.name, mark.value, "");
  const auto key = store_.NewIterator();
  for (key->Seek(prefix); key->Valid() && key->key().starts_with(prefix); key->Next()) {
    ASSIGN_OR_RETURN(const Row* row, Find(type, std::string(keys::NameIn(ToView(key->key())))));
    if (Bears(*row, mark)) return row;
  }
  RETURN_IF_ERROR(store_.StatusOf(*key));
  return nullptr;
}

Overlay::Row* Overlay::Add(const AggregateType& type, const std::string& name) {
  Row& row = rows_[name];
  row.type = &type;
  return &row;
}

absl::StatusOr<int64_t> Overlay::LastSequence(const std::string& root) {
  if (const auto found = sequences_.find(root); found != sequences_.end()) return found->second;
  if (const auto cached = cache_ == nullptr ? std::nullopt : cache_->Find(root)) return *cached;
  // Of a root without history, which filters know, the search would cost four times as much.
  std::string first;
  ASSIGN_OR_RETURN(const bool any, store_.Get(keys::History(root, 1), &first));
  if (!any) return 0;
  const auto newest = store_.NewIterator();
  newest->SeekForPrev(keys::History(root, INT64_MAX));
  RETURN_IF_ERROR(store_.StatusOf(*newest));
  const std::string prefix = keys::HistoryPrefix(root);
  if (!newest->Valid() || !newest->key().starts_with(prefix)) return 0;
  return keys::SequenceIn(ToView(newest->key()));
}

absl::StatusOr<std::optional<log::v1::AnsweredRequest>> Overlay::FindRequest(
    const std::string& root, const std::string& request_id) {
  const std::string key = keys::Request(root, request_id);
  if (const auto found = requests_.find(key); found != requests_.end()) return found->second;
  log::v1::AnsweredRequest answered;
  ASSIGN_OR_RETURN(const bool found, store_.Get(key, &answered));
  return found ? std::optional(std::move(answered)) : std::nullopt;
}

absl::Status Overlay::Apply(const log::v1::Record& record, std::string bytes) {
  if (record.kind() != log::v1::Record::EVENT) return Apply(record, std::move(bytes), nullptr);
  const auto* type = registry_.FindByPlural(CollectionOf(record.subject()));
  if (type == nullptr) {
    return absl::DataLossError(absl::StrCat("the log holds ", record.type(), " of ",
                                            record.subject(),
                                            ", which this program does not know; run a newer one"));
  }
  Message* event = NewMessage(type->event, &arena_);
  if (!event->ParseFromString(record.value()) || FactOf(*event) == nullptr) {
    return absl::DataLossError(absl::StrCat("the log's ", record.type(), " of ", record.subject(),
                                            " cannot be read; run a newer program"));
  }
  return Apply(record, std::move(bytes), event);
}

absl::Status Overlay::Apply(const log::v1::Record& record, std::string bytes,
                            const Message* event) {
  if (!record.request_id().empty()) {
    auto& answered = requests_[keys::Request(record.root(), record.request_id())];
    answered.set_request_hash(record.request_hash());
    answered.set_subject(record.subject());
    *answered.mutable_record_time() = record.record_time();
  }
  if (record.kind() == log::v1::Record::PROCESS_ADVANCED) RETURN_IF_ERROR(ApplyAdvanced(record));
  if (event == nullptr) return absl::OkStatus();

  const auto* type = registry_.FindByPlural(CollectionOf(record.subject()));
  Ensure(type != nullptr, "an event is decided by an aggregate of its service");
  ASSIGN_OR_RETURN(Row * row, Find(*type, record.subject()));
  if (!row->changed) {
    if (row->state != nullptr) row->keys_before = IndexKeys(*type, *row->state);
    row->changed = true;
  }
  if (row->state == nullptr) {
    row->state = NewMessage(type->state, &arena_);
  }
  Evolve(*type, *row->state, *event, record.sequence(),
         {.name = record.subject(),
          .occur_time = record.occur_time(),
          .record_time = record.record_time()});
  row->bytes = SerializeDeterministic(*row->state);
  sequences_[record.root()] = record.sequence();
  records_.emplace_back(keys::History(record.root(), record.sequence()), std::move(bytes));
  return absl::OkStatus();
}

absl::Status Overlay::ApplyAdvanced(const log::v1::Record& record) {
  log::v1::ProcessAdvanced advanced;
  if (!advanced.ParseFromString(record.value())) {
    return absl::DataLossError(absl::StrCat("how far the process ", record.subject(),
                                            " has acted cannot be read; run a newer program"));
  }
  cursors_[keys::Cursor(record.subject())] = record.value();
  for (log::v1::RefusedReaction& refused : *advanced.mutable_refused()) {
    refused.set_process(record.subject());
    *refused.mutable_record_time() = record.record_time();
    refused_.emplace_back(keys::Refused(ToMicros(record.record_time()), refused.request_id()),
                          SerializeDeterministic(refused));
  }
  return absl::OkStatus();
}

absl::Status Overlay::WriteTo(Store& store, const log::v1::Checkpoint& checkpoint) {
  struct Put {
    std::string key;
    std::string value;
    bool gone = false;
  };
  std::vector<Put> puts;
  puts.reserve(4 * records_.size() + 1);
  for (auto& [name, row] : rows_) {
    if (!row.changed) continue;
    std::vector<std::string> keys_after = IndexKeys(*row.type, *row.state);
    if (keys_after != row.keys_before) {
      for (auto& key : row.keys_before) puts.push_back({.key = std::move(key), .gone = true});
      for (auto& key : keys_after) puts.push_back({.key = std::move(key)});
    }
    puts.push_back({keys::Row(row.type->plural, name), std::move(row.bytes)});
  }
  for (auto& [key, bytes] : records_) puts.push_back({std::move(key), std::move(bytes)});
  for (const auto& [key, answered] : requests_) puts.push_back({key, answered.SerializeAsString()});
  for (auto& [key, cursor] : cursors_) puts.push_back({key, std::move(cursor)});
  for (auto& [key, row] : refused_) puts.push_back({std::move(key), std::move(row)});
  puts.push_back({keys::Meta(kAppliedPosition), checkpoint.SerializeAsString()});
  // What lies together is put together; a key that goes and comes keeps that order.
  std::stable_sort(puts.begin(), puts.end(),
                   [](const Put& left, const Put& right) { return left.key < right.key; });

  // Grown step by step, a large batch would be copied several times.
  size_t bytes = 0;
  for (const auto& put : puts) bytes += put.key.size() + put.value.size() + kPutOverheadBytes;
  rocksdb::WriteBatch batch(bytes);
  for (const auto& put : puts) {
    if (put.gone) {
      batch.Delete(put.key);
    } else {
      batch.Put(put.key, put.value);
    }
  }
  RETURN_IF_ERROR(store.Write(&batch));
  if (cache_ != nullptr) {
    for (const auto& [root, last] : sequences_) cache_->Store(root, last);
  }
  return absl::OkStatus();
}

}  // namespace rapport
