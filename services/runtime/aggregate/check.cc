#include "services/runtime/aggregate/check.h"

#include <algorithm>
#include <set>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "rapport/log/v1/process.pb.h"
#include "services/runtime/aggregate/dump.h"
#include "services/runtime/aggregate/replay.h"
#include "services/runtime/base/hash.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/time.h"
#include "services/runtime/log/validity.h"
#include "services/runtime/store/keys.h"

namespace rapport {
namespace {

void Add(Problems* problems, std::string problem) {
  if (problems->size() < kMaxProblems) problems->push_back(std::move(problem));
}

// Looks at a partition's valid events one after another.
class EventCheck {
 public:
  EventCheck(int partition, int partitions, Problems* problems)
      : partition_(partition), partitions_(partitions), problems_(problems) {}

  void Look(Offset offset, const log::v1::Record& record) {
    const absl::Time time = FromTimestamp(record.record_time());
    if (time < last_time_) Say(offset, record, "was recorded before the record before it");
    last_time_ = time;
    if (record.kind() == log::v1::Record::PROCESS_ADVANCED) return;
    if (record.kind() == log::v1::Record::BARRIER) return;
    if (PartitionOf(record.root(), partitions_) != partition_) {
      Say(offset, record, "is in a partition that is not its root's");
    }
    if (record.kind() != log::v1::Record::EVENT) return;
    int64_t& last = sequences_[record.root()];
    if (record.sequence() != last + 1) {
      Say(offset, record, absl::StrCat("has sequence ", record.sequence(), " after ", last));
    }
    last = record.sequence();
  }

 private:
  void Say(Offset offset, const log::v1::Record& record, absl::string_view what) {
    Add(problems_,
        absl::StrCat("log offset ", offset, ": the record of ", record.subject(), " ", what));
  }

  const int partition_;
  const int partitions_;
  Problems* const problems_;
  absl::Time last_time_ = absl::InfinitePast();
  absl::flat_hash_map<std::string, int64_t> sequences_;
};

// Calls `look` with every key and value of one table.
absl::Status ForEach(const Store& store, char table,
                     const std::function<void(absl::string_view, absl::string_view)>& look) {
  const auto row = store.NewIterator();
  const char first = keys::FirstByteOf(table);
  for (row->Seek(std::string(1, first)); row->Valid() && row->key()[0] == first; row->Next()) {
    if (keys::TableOf(ToView(row->key())) != table) continue;
    look(ToView(row->key()), ToView(row->value()));
  }
  return store.StatusOf(*row);
}

// The keys of the index entries that a row ought to have; none where the row cannot be read.
std::optional<std::set<std::string>> IndexKeysOf(const Registry& registry, absl::string_view key,
                                                 absl::string_view row) {
  const AggregateType* type = registry.FindByPlural(keys::PluralIn(key));
  if (type == nullptr) return std::nullopt;
  google::protobuf::Arena arena;
  Message* state = NewMessage(type->state, &arena);
  if (!state->ParseFromArray(row.data(), static_cast<int>(row.size()))) return std::nullopt;
  if (state->GetReflection()->GetString(*state, type->fields.name) != keys::NameIn(key)) {
    return std::nullopt;
  }
  const std::vector<std::string> all = IndexKeys(*type, *state);
  return std::set<std::string>(all.begin(), all.end());
}

// Answers how many entries the indexes ought to have.
absl::StatusOr<int64_t> CheckRows(const Store& store, const Registry& registry,
                                  Problems* problems) {
  int64_t expected = 0;
  std::string ignored;
  absl::Status failed;
  RETURN_IF_ERROR(ForEach(store, 'R', [&](absl::string_view key, absl::string_view row) {
    const auto index_keys = IndexKeysOf(registry, key, row);
    if (!index_keys) {
      return Add(problems, absl::StrCat("the ", DescribeKey(key), " cannot be read"));
    }
    expected += static_cast<int64_t>(index_keys->size());
    for (const auto& index_key : *index_keys) {
      const absl::StatusOr<bool> found = store.Get(index_key, &ignored);
      failed.Update(found.status());
      if (found.ok() && !*found) {
        Add(problems, absl::StrCat("there is no ", DescribeKey(index_key)));
      }
    }
  }));
  RETURN_IF_ERROR(failed);
  return expected;
}

absl::Status CheckIndexes(const Store& store, const Registry& registry, Problems* problems) {
  const size_t before = problems->size();
  ASSIGN_OR_RETURN(const int64_t expected, CheckRows(store, registry, problems));
  int64_t entries = 0;
  const auto count = [&entries](absl::string_view, absl::string_view) { ++entries; };
  RETURN_IF_ERROR(ForEach(store, 'I', count));
  RETURN_IF_ERROR(ForEach(store, 'T', count));
  RETURN_IF_ERROR(ForEach(store, 'D', count));
  // Each row has all of its entries, so as many entries as that are all of them.
  if (entries == expected && problems->size() == before) return absl::OkStatus();
  const auto look = [&](absl::string_view key, absl::string_view) {
    const std::string row_key = keys::Row(keys::PluralIn(key), keys::NameIn(key));
    std::string row;
    const bool found = store.Get(row_key, &row).value_or(false);
    const auto index_keys = found ? IndexKeysOf(registry, row_key, row) : std::nullopt;
    if (!index_keys || !index_keys->contains(std::string(key))) {
      Add(problems, absl::StrCat("the ", DescribeKey(key), " points at no such row"));
    }
  };
  RETURN_IF_ERROR(ForEach(store, 'I', look));
  RETURN_IF_ERROR(ForEach(store, 'T', look));
  return ForEach(store, 'D', look);
}

absl::Status CheckHistory(const Store& store, Problems* problems) {
  absl::flat_hash_map<std::string, int64_t> last;
  return ForEach(store, 'H', [&](absl::string_view key, absl::string_view bytes) {
    int64_t& sequence = last[keys::RootIn(key)];
    log::v1::Record record;
    if (keys::SequenceIn(key) != sequence + 1) {
      Add(problems, absl::StrCat("the ", DescribeKey(key), " comes after sequence ", sequence));
    }
    sequence = keys::SequenceIn(key);
    if (!record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
        record.sequence() != sequence || record.root() != keys::RootIn(key)) {
      Add(problems, absl::StrCat("the ", DescribeKey(key), " holds another record"));
    }
  });
}

absl::Status CheckRefused(const Store& store, Problems* problems) {
  return ForEach(store, 'F', [&](absl::string_view key, absl::string_view row) {
    log::v1::RefusedReaction refused;
    if (!refused.ParseFromArray(row.data(), static_cast<int>(row.size())) ||
        keys::Refused(ToMicros(refused.record_time()), refused.request_id()) != key) {
      Add(problems, absl::StrCat("the ", DescribeKey(key), " cannot be read"));
    }
  });
}

}  // namespace

absl::StatusOr<LogFigures> CheckLog(EventLog& log, const TopicPartition& partition, int partitions,
                                    Offset until, Problems* problems) {
  LogFigures figures;
  EventCheck events(partition.partition, partitions, problems);
  Validity validity;
  log::v1::Record record;
  while (figures.records < until) {
    const size_t limit = std::min<size_t>(kReplayRecords, until - figures.records);
    ASSIGN_OR_RETURN(const std::vector<Entry> entries, log.Read(partition, figures.records, limit));
    if (entries.empty()) {
      return absl::DataLossError(absl::StrCat(partition.topic, "/", partition.partition,
                                              ": the log ends at offset ", figures.records,
                                              ", before ", until, "; restore the log"));
    }
    for (const auto& entry : entries) {
      ++figures.records;
      if (!record.ParseFromString(entry.bytes)) return CannotRead(partition, entry.offset);
      if (!validity.Admit(entry.offset, record)) {
        ++figures.void_records;
      } else if (record.kind() == log::v1::Record::CLAIM) {
        ++figures.claims;
      } else {
        if (record.kind() == log::v1::Record::EVENT) ++figures.events;
        events.Look(entry.offset, record);
      }
    }
  }
  return figures;
}

absl::Status CheckProjection(const Store& store, const Registry& registry, Problems* problems) {
  RETURN_IF_ERROR(CheckIndexes(store, registry, problems));
  RETURN_IF_ERROR(CheckHistory(store, problems));
  return CheckRefused(store, problems);
}

}  // namespace rapport
