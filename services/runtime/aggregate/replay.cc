#include "services/runtime/aggregate/replay.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/runtime/base/status.h"
#include "services/runtime/store/keys.h"

namespace rapport {
namespace {

absl::Status Ahead(const TopicPartition& partition) {
  return absl::DataLossError(
      absl::StrCat("the projection of ", partition.topic, "/", partition.partition,
                   " is ahead of its log; was the log replaced? rebuild the projection"));
}

}  // namespace

absl::StatusOr<Position> LoadPosition(const Store& store, absl::string_view name) {
  log::v1::Checkpoint checkpoint;
  ASSIGN_OR_RETURN(const bool found, store.Get(keys::Meta(name), &checkpoint));
  return found ? FromCheckpoint(checkpoint) : Position{};
}

Position FromCheckpoint(const log::v1::Checkpoint& checkpoint) {
  return {.next = checkpoint.next_offset(),
          .validity = {.claim = {.offset = checkpoint.claim_offset(), .id = checkpoint.claim_id()},
                       .number = checkpoint.number()},
          .record_time = checkpoint.record_time()};
}

log::v1::Checkpoint ToCheckpoint(const Position& position) {
  log::v1::Checkpoint checkpoint;
  checkpoint.set_next_offset(position.next);
  checkpoint.set_claim_offset(position.validity.claim.offset);
  checkpoint.set_claim_id(position.validity.claim.id);
  checkpoint.set_number(position.validity.number);
  *checkpoint.mutable_record_time() = position.record_time;
  return checkpoint;
}

absl::Status CannotRead(const TopicPartition& partition, Offset offset) {
  return absl::DataLossError(absl::StrCat(partition.topic, "/", partition.partition,
                                          ": the record at offset ", offset,
                                          " cannot be read; restore the log"));
}

absl::Status Replay::CheckSameLog(const Position& position) const {
  const Epoch& claim = position.validity.claim;
  if (claim.offset < 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<Entry> entries,
                   options_.log->Read(options_.partition, claim.offset, 1));
  if (entries.empty()) return Ahead(options_.partition);
  log::v1::Record record;
  if (!record.ParseFromString(entries[0].bytes))
    return CannotRead(options_.partition, claim.offset);
  if (record.kind() == log::v1::Record::CLAIM && record.claim_id() == claim.id) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat(
      "the projection of ", options_.partition.topic, "/", options_.partition.partition,
      " was made from another log; name the log or the data folder that fits"));
}

absl::Status Replay::Run(Offset until, Position* position,
                         const std::function<void(Offset)>& applied) {
  if (position->next > until) {
    return Ahead(options_.partition);
  }
  while (position->next < until) {
    const size_t limit = std::min<size_t>(options_.batch_records, until - position->next);
    ASSIGN_OR_RETURN(const bool some, Step(limit, position));
    if (!some) return Unavailable("the log's end is not readable yet");
    if (applied) applied(position->next);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> Replay::Step(size_t limit, Position* position) {
  ASSIGN_OR_RETURN(std::vector<Entry> entries,
                   options_.log->Read(options_.partition, position->next, limit));
  if (entries.empty()) return false;
  Position after = *position;
  Overlay overlay(*options_.store, *options_.registry);
  log::v1::Record record;
  size_t void_records = 0;
  for (auto& entry : entries) {
    if (!record.ParseFromString(entry.bytes)) return CannotRead(options_.partition, entry.offset);
    if (!after.validity.Admit(entry.offset, record)) {
      ++void_records;
      continue;
    }
    if (record.kind() == log::v1::Record::CLAIM) continue;
    after.record_time = record.record_time();
    RETURN_IF_ERROR(overlay.Apply(record, std::move(entry.bytes)));
  }
  after.next = entries.back().offset + 1;
  RETURN_IF_ERROR(overlay.WriteTo(*options_.store, ToCheckpoint(after)));
  *position = after;
  if (options_.on_void) options_.on_void(void_records);
  return true;
}

}  // namespace rapport
