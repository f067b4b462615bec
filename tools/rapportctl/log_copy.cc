#include "tools/rapportctl/log_copy.h"

#include <algorithm>
#include <future>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/allinone/node.h"
#include "services/runtime/aggregate/topics.h"
#include "services/runtime/base/status.h"
#include "tools/rapportctl/data_folder.h"

namespace rapport {
namespace {

// Of one append, and of one read.
constexpr size_t kRecords = 512;

std::string Where(const TopicPartition& partition) {
  return absl::StrCat(partition.topic, "/", partition.partition);
}

absl::Status NoCopy(const TopicPartition& partition, absl::string_view what) {
  return absl::FailedPreconditionError(
      absl::StrCat(Where(partition), " of the target ", what,
                   ": it is no copy of this log; copy to empty topics or an empty folder"));
}

absl::StatusOr<std::vector<Offset>> Append(EventLog& log, const TopicPartition& partition,
                                           std::vector<std::string> records) {
  std::promise<absl::StatusOr<std::vector<Offset>>> appended;
  log.Append(partition, std::move(records),
             [&appended](absl::StatusOr<std::vector<Offset>> offsets) {
               appended.set_value(std::move(offsets));
             });
  return appended.get_future().get();
}

// The records from `from` to `until` of both, which must be the same.
absl::Status Compare(EventLog& from, EventLog& to, const TopicPartition& partition, Offset begin,
                     Offset until) {
  while (begin < until) {
    const auto limit = std::min<size_t>(kRecords, until - begin);
    ASSIGN_OR_RETURN(const std::vector<Entry> wanted, from.Read(partition, begin, limit));
    ASSIGN_OR_RETURN(const std::vector<Entry> found, to.Read(partition, begin, wanted.size()));
    if (wanted.empty() || found.empty()) {
      return Unavailable(absl::StrCat(Where(partition), " cannot be read from ", begin, " on"));
    }
    for (size_t i = 0; i < found.size(); ++i) {
      if (found[i].offset == wanted[i].offset && found[i].bytes == wanted[i].bytes) continue;
      return NoCopy(partition, absl::StrCat("differs at offset ", wanted[i].offset));
    }
    begin += static_cast<Offset>(found.size());
  }
  return absl::OkStatus();
}

absl::Status CopyRecords(EventLog& from, EventLog& to, const TopicPartition& partition,
                         Offset begin, Offset until) {
  while (begin < until) {
    const auto limit = std::min<size_t>(kRecords, until - begin);
    ASSIGN_OR_RETURN(std::vector<Entry> entries, from.Read(partition, begin, limit));
    if (entries.empty()) {
      return Unavailable(absl::StrCat(Where(partition), " cannot be read from ", begin, " on"));
    }
    std::vector<std::string> records;
    for (Entry& entry : entries) records.push_back(std::move(entry.bytes));
    ASSIGN_OR_RETURN(const std::vector<Offset> offsets, Append(to, partition, std::move(records)));
    for (const Offset offset : offsets) {
      if (offset != begin) {
        return NoCopy(partition, absl::StrCat("took offset ", begin, " at ", offset));
      }
      ++begin;
    }
  }
  return absl::OkStatus();
}

absl::Status CopyPartition(EventLog& from, EventLog& to, const TopicPartition& partition,
                           CopyFigures* figures) {
  ASSIGN_OR_RETURN(const Offset end, EndOf(from, partition));
  ASSIGN_OR_RETURN(const Offset present, EndOf(to, partition));
  if (present > end) {
    return NoCopy(partition, absl::StrCat("has ", present, " records, not ", end));
  }
  RETURN_IF_ERROR(Compare(from, to, partition, 0, present));
  RETURN_IF_ERROR(CopyRecords(from, to, partition, present, end));
  RETURN_IF_ERROR(Compare(from, to, partition, present, end));
  ASSIGN_OR_RETURN(const Offset end_now, EndOf(from, partition));
  if (end_now != end) {
    return absl::AbortedError(
        absl::StrCat(Where(partition), " grew meanwhile; stop all servers and copy again"));
  }
  figures->copied += end - present;
  figures->compared += end;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CopyFigures> CopyLog(EventLog& from, EventLog& to,
                                    const std::function<void(const TopicPartition&)>& told) {
  CopyFigures figures;
  for (const ServiceSpec& spec : AllServices()) {
    for (const std::string& topic : {TopicOf(spec.name), ReferenceTopicOf(spec.name)}) {
      const absl::StatusOr<int> partitions = from.Partitions(topic);
      if (absl::IsNotFound(partitions.status())) continue;  // never installed, or no such data
      RETURN_IF_ERROR(partitions.status());
      RETURN_IF_ERROR(to.EnsureTopic(topic, *partitions));
      for (int i = 0; i < *partitions; ++i) {
        RETURN_IF_ERROR(CopyPartition(from, to, {topic, i}, &figures));
        if (told) told({topic, i});
      }
    }
  }
  return figures;
}

}  // namespace rapport
