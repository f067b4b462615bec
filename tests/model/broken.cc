#include "tests/model/broken.h"

#include <algorithm>

#include "services/runtime/base/status.h"
#include "services/runtime/log/validity.h"

namespace rapport::model {
namespace {

using log::v1::Record;

Record Parse(const Entry& entry) {
  Record record;
  Ensure(record.ParseFromString(entry.bytes), "what is written can be read");
  return record;
}

// Bytes that no rule admits.
std::string Void() {
  return Record().SerializeAsString();
}

// Restates records so that the product's rule says of them what a broken one would.
class Restate {
 public:
  explicit Restate(Break broken) : broken_(broken) {}

  void operator()(Entry* entry) {
    Record record = Parse(*entry);
    if (record.kind() == Record::CLAIM) {
      if (broken_ == Break::kClaimsNumbered && record.claim_id() <= seen_.claim.id) {
        entry->bytes = Void();
        return;
      }
      own_number_ = 0;
      seen_.Admit(entry->offset, record);
      return;
    }
    if (!Counts(record)) {
      entry->bytes = Void();
      return;
    }
    record.set_claim_id(seen_.claim.id);
    record.set_claim_offset(seen_.claim.offset);
    record.set_number(seen_.number + 1);
    Ensure(seen_.Admit(entry->offset, record), "it was restated to count");
    entry->bytes = record.SerializeAsString();
  }

 private:
  bool Counts(const Record& record) {
    const bool latest =
        record.claim_id() == seen_.claim.id &&
        (broken_ == Break::kClaimsNumbered || record.claim_offset() == seen_.claim.offset);
    if (broken_ == Break::kEpochIgnored && !latest) return true;
    if (broken_ == Break::kNumberIgnored) return latest;
    if (!latest || record.number() != own_number_ + 1) return false;
    ++own_number_;
    return true;
  }

  const Break broken_;
  Validity seen_;
  int64_t own_number_ = 0;  // of the latest claim's own records
};

class BrokenLog : public EventLog {
 public:
  BrokenLog(Break broken, std::unique_ptr<EventLog> log, TopicPartition partition)
      : broken_(broken), log_(std::move(log)), own_(std::move(partition)) {}

  absl::Status EnsureTopic(const std::string& topic, int partitions) override {
    return log_->EnsureTopic(topic, partitions);
  }
  absl::StatusOr<int> Partitions(const std::string& topic) override {
    return log_->Partitions(topic);
  }
  void Watch(const TopicPartition& partition, std::function<void()> grew) override {
    log_->Watch(partition, std::move(grew));
  }

  Offset KnownEnd(const TopicPartition& partition) override { return log_->KnownEnd(partition); }

  void Claim(const TopicPartition& partition, ClaimDone done) override {
    claiming_ = true;
    auto claimed = [this, done = std::move(done)](absl::StatusOr<Epoch> epoch) mutable {
      if (epoch.ok()) epoch_ = *epoch;
      if (epoch.ok()) applied_ = epoch->offset + 1;
      done(std::move(epoch));
      claiming_ = false;
    };
    if (broken_ == Break::kEpochReused && std::exchange(unknown_, false) && OwnsLatest()) {
      return log_->End(own_, [this, claimed = std::move(claimed)](auto end) mutable {
        if (!end.ok()) return claimed(end.status());
        claimed(Epoch{.offset = *end - 1, .id = epoch_.id});
      });
    }
    if (broken_ == Break::kClaimsNumbered) return ClaimByNumber(std::move(claimed));
    log_->Claim(partition, std::move(claimed));
  }

  void Append(const TopicPartition& partition, std::vector<std::string> records,
              AppendDone done) override {
    if (broken_ == Break::kRepeatsConfirmedOnly) {
      for (auto& bytes : records) bytes = Unhidden(bytes);
    }
    log_->Append(partition, std::move(records),
                 [this, done = std::move(done)](auto offsets) mutable {
                   if (offsets.ok()) applied_ = offsets->back() + 1;
                   if (offsets.ok()) own_offsets_ = *offsets;
                   if (!offsets.ok() && !absl::IsResourceExhausted(offsets.status())) {
                     unknown_ = true;
                     if (broken_ == Break::kFailedSkipped) offsets = Overloaded("skipped");
                   }
                   done(std::move(offsets));
                   own_offsets_.clear();
                 });
  }

  void End(const TopicPartition& partition, EndDone done) override {
    if (broken_ == Break::kSwitchedOnEarly) return done(0);
    if (broken_ == Break::kRefusedBlindly && partition.topic == own_.topic) return done(applied_);
    log_->End(partition, std::move(done));
  }

  absl::StatusOr<std::vector<Entry>> Read(const TopicPartition& partition, Offset from,
                                          size_t limit) override {
    if (partition.topic != own_.topic) return log_->Read(partition, from, limit);
    ASSIGN_OR_RETURN(std::vector<Entry> entries, ReadSeen(from, limit));
    const bool replays = claiming_ && broken_ == Break::kNoReplay;
    const bool fills_gap = !own_offsets_.empty() && broken_ == Break::kGapUnread;
    for (auto& entry : entries) {
      if (replays && entry.offset != epoch_.offset) entry.bytes = Void();
      if (fills_gap &&
          std::find(own_offsets_.begin(), own_offsets_.end(), entry.offset) == own_offsets_.end()) {
        entry.bytes = Void();
      }
    }
    return entries;
  }

 private:
  absl::StatusOr<std::vector<Entry>> ReadSeen(Offset from, size_t limit) {
    if (broken_ != Break::kEpochIgnored && broken_ != Break::kClaimsNumbered &&
        broken_ != Break::kNumberIgnored) {
      return log_->Read(own_, from, limit);
    }
    // What a record is restated to depends on all before it.
    ASSIGN_OR_RETURN(std::vector<Entry> all, log_->Read(own_, 0, from + limit));
    all = AsSeen(broken_, std::move(all));
    if (static_cast<size_t>(from) >= all.size()) return std::vector<Entry>();
    return std::vector<Entry>(all.begin() + from, all.end());
  }

  // Whether the latest claim that can be read is this owner's.
  bool OwnsLatest() {
    Validity validity;
    const auto entries = log_->Read(own_, 0, SIZE_MAX);
    if (!entries.ok()) return false;
    for (const auto& entry : *entries) validity.Admit(entry.offset, Parse(entry));
    return validity.claim.id == epoch_.id;
  }

  // One more than the greatest that this writer sees; nobody keeps another from choosing it, too.
  void ClaimByNumber(ClaimDone done) {
    const auto entries = log_->Read(own_, 0, SIZE_MAX);
    if (!entries.ok()) return done(entries.status());
    Record claim;
    claim.set_kind(Record::CLAIM);
    claim.set_claim_id(1);
    for (const auto& entry : *entries) {
      const Record record = Parse(entry);
      if (record.kind() == Record::CLAIM) {
        claim.set_claim_id(std::max(claim.claim_id(), record.claim_id() + 1));
      }
    }
    log_->Append(own_, {claim.SerializeAsString()},
                 [id = claim.claim_id(), done = std::move(done)](auto offsets) mutable {
                   if (!offsets.ok()) return done(offsets.status());
                   done(Epoch{.offset = offsets->front(), .id = id});
                 });
  }

  static std::string Unhidden(const std::string& bytes) {
    Record record = Parse({.bytes = bytes});
    record.set_request_id(record.request_id().substr(0, record.request_id().find(kHiddenRepeat)));
    return record.SerializeAsString();
  }

  const Break broken_;
  const std::unique_ptr<EventLog> log_;
  const TopicPartition own_;
  bool claiming_ = false;
  bool unknown_ = false;  // the last outcome was
  Epoch epoch_;
  Offset applied_ = 0;
  std::vector<Offset> own_offsets_;  // that are being confirmed
};

}  // namespace

std::ostream& operator<<(std::ostream& out, Break broken) {
  constexpr const char* kNames[] = {"None",
                                    "NoReplay",
                                    "GapUnread",
                                    "EpochIgnored",
                                    "EpochReused",
                                    "ClaimsNumbered",
                                    "RepeatsConfirmedOnly",
                                    "RepeatInFlightAnswered",
                                    "FailedSkipped",
                                    "NumberIgnored",
                                    "RefusedBlindly",
                                    "StrongReadUnasked",
                                    "ReactionsUnawaited",
                                    "FreshRequestIds",
                                    "SwitchedOnEarly"};
  return out << kNames[static_cast<int>(broken)];
}

std::unique_ptr<EventLog> BreakLog(Break broken, std::unique_ptr<EventLog> log,
                                   TopicPartition partition) {
  if (broken == Break::kNone || IsOfProcess(broken)) return log;
  return std::make_unique<BrokenLog>(broken, std::move(log), std::move(partition));
}

std::unique_ptr<EventLog> BreakSource(Break broken, std::unique_ptr<EventLog> log,
                                      TopicPartition source) {
  if (broken != Break::kSwitchedOnEarly) return log;
  return std::make_unique<BrokenLog>(broken, std::move(log), std::move(source));
}

std::vector<Entry> AsSeen(Break broken, std::vector<Entry> entries) {
  if (broken != Break::kEpochIgnored && broken != Break::kClaimsNumbered &&
      broken != Break::kNumberIgnored) {
    return entries;
  }
  Restate restate(broken);
  for (auto& entry : entries) restate(&entry);
  return entries;
}

}  // namespace rapport::model
