// An event log in memory that does what its script says: answers late, loses what it was given or
// says so wrongly, lets others write between.
//
// Threads: any. Completions run on the caller's thread, or on the one that releases them.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <random>

#include "services/runtime/base/status.h"
#include "services/runtime/log/log.h"
#include "services/runtime/log/validity.h"

namespace rapport {

class FakeLog : public EventLog {
 public:
  // What becomes of an append or a claim.
  enum class Fate {
    kWritten,
    kWrittenButUnknown,  // it is there, and the writer is not told
    kLost,               // it is not there, and the writer is not told
    kLate,               // as kLost, until LandLate()
    kFull,               // RESOURCE_EXHAUSTED
  };

  // The fates of the next appends; of the next claims. Afterwards all is written.
  void ScriptAppends(std::deque<Fate> fates) {
    Locked([&] { append_fates_ = std::move(fates); });
  }
  void ScriptClaims(std::deque<Fate> fates) {
    Locked([&] { claim_fates_ = std::move(fates); });
  }
  // Every append and claim meets a random fate until the chance is 0 again.
  void ScriptChance(double of_fault, unsigned seed) {
    Locked([&] {
      chance_of_fault_ = of_fault;
      random_.seed(seed);
    });
  }

  // Nothing can be read until it is false again.
  void FailReads(bool fail) { reads_fail_ = fail; }

  // Appends (not claims) to this topic, or look-ups of its end, wait until they are released.
  void HoldAppends(const std::string& topic) {
    Locked([&] { held_append_topic_ = topic; });
  }
  void HoldEnds(const std::string& topic) {
    Locked([&] { held_end_topic_ = topic; });
  }
  void Release() {
    std::deque<std::function<void()>> held;
    Locked([&] {
      held_append_topic_.clear();
      held_end_topic_.clear();
      held.swap(held_);
    });
    for (auto& work : held) work();
  }
  size_t held() const {
    std::lock_guard lock(mutex_);
    return held_.size();
  }
  void LandLate() {
    std::deque<std::pair<TopicPartition, std::vector<std::string>>> late;
    Locked([&] { late.swap(late_); });
    for (auto& [partition, records] : late) Write(partition, records);
  }

  // Another writer's claim, or whatever it writes.
  Epoch ForeignClaim(const TopicPartition& partition) {
    log::v1::Record claim;
    claim.set_kind(log::v1::Record::CLAIM);
    claim.set_claim_id(NextId());
    return {.offset = ForeignWrite(partition, claim), .id = claim.claim_id()};
  }
  Offset ForeignWrite(const TopicPartition& partition, const log::v1::Record& record) {
    return Write(partition, {record.SerializeAsString()})[0];
  }

  // The records that count.
  std::vector<log::v1::Record> Valid(const TopicPartition& partition) {
    std::vector<log::v1::Record> valid;
    Validity validity;
    const absl::StatusOr<std::vector<Entry>> entries = Read(partition, 0, SIZE_MAX);
    for (const auto& entry : *entries) {
      log::v1::Record record;
      Ensure(record.ParseFromString(entry.bytes), "what is written can be read");
      if (validity.Admit(entry.offset, record)) valid.push_back(std::move(record));
    }
    return valid;
  }
  int ends() const { return ends_; }

  // Watchers are called for the lifetime of the log; this ends them before the log's own.
  void ForgetWatchers() {
    Locked([&] { watchers_.clear(); });
  }

  // --- EventLog

  absl::Status EnsureTopic(const std::string&, int) override { return absl::OkStatus(); }

  absl::StatusOr<int> Partitions(const std::string&) override { return 1; }

  void Claim(const TopicPartition& partition, ClaimDone done) override {
    log::v1::Record claim;
    claim.set_kind(log::v1::Record::CLAIM);
    claim.set_claim_id(NextId());
    Meet(TakeFate(&claim_fates_), partition, {claim.SerializeAsString()},
         [id = claim.claim_id(), done = std::move(done)](auto offsets) mutable {
           if (!offsets.ok()) return done(offsets.status());
           done(Epoch{.offset = offsets->front(), .id = id});
         });
  }

  void Append(const TopicPartition& partition, std::vector<std::string> records,
              AppendDone done) override {
    auto shared = std::make_shared<AppendDone>(std::move(done));
    Hold(held_append_topic_, partition, [this, partition, records = std::move(records), shared] {
      Meet(TakeFate(&append_fates_), partition, records, std::move(*shared));
    });
  }

  void End(const TopicPartition& partition, EndDone done) override {
    ++ends_;
    auto shared = std::make_shared<EndDone>(std::move(done));
    Hold(held_end_topic_, partition, [this, partition, shared] {
      Offset end = 0;
      Locked([&] { end = static_cast<Offset>(RecordsOf(partition).size()); });
      (*shared)(end);
    });
  }

  Offset KnownEnd(const TopicPartition& partition) override {
    std::lock_guard lock(mutex_);
    return static_cast<Offset>(RecordsOf(partition).size());
  }

  absl::StatusOr<std::vector<Entry>> Read(const TopicPartition& partition, Offset from,
                                          size_t limit) override {
    if (reads_fail_) return Unavailable("nothing can be read");
    std::lock_guard lock(mutex_);
    const auto& records = RecordsOf(partition);
    std::vector<Entry> entries;
    for (size_t at = from; at < records.size() && entries.size() < limit; ++at) {
      entries.push_back({static_cast<Offset>(at), records[at]});
    }
    return entries;
  }

  void Watch(const TopicPartition& partition, std::function<void()> grew) override {
    Locked([&] { watchers_.emplace(Key(partition), std::move(grew)); });
  }

 private:
  using TopicKey = std::pair<std::string, int>;
  static TopicKey Key(const TopicPartition& p) { return {p.topic, p.partition}; }

  template <class F>
  void Locked(F f) const {
    std::lock_guard lock(mutex_);
    f();
  }
  std::vector<std::string>& RecordsOf(const TopicPartition& p) { return records_[Key(p)]; }

  uint64_t NextId() {
    std::lock_guard lock(mutex_);
    return ++last_id_;
  }

  Fate TakeFate(std::deque<Fate>* scripted) {
    std::lock_guard lock(mutex_);
    if (!scripted->empty()) {
      const Fate fate = scripted->front();
      scripted->pop_front();
      return fate;
    }
    if (std::uniform_real_distribution<>()(random_) >= chance_of_fault_) return Fate::kWritten;
    return static_cast<Fate>(1 + random_() % 4);
  }

  void Hold(const std::string& held_topic, const TopicPartition& partition,
            std::function<void()> work) {
    {
      std::lock_guard lock(mutex_);
      if (held_topic == partition.topic) return held_.push_back(std::move(work));
    }
    work();
  }

  void Meet(Fate fate, const TopicPartition& partition, const std::vector<std::string>& records,
            AppendDone done) {
    if (fate == Fate::kFull) return done(Overloaded("full", absl::Seconds(1)));
    if (fate == Fate::kLate) Locked([&] { late_.emplace_back(partition, records); });
    const bool written = fate == Fate::kWritten || fate == Fate::kWrittenButUnknown;
    std::vector<Offset> offsets;
    if (written) offsets = Write(partition, records);
    if (fate == Fate::kWritten) return done(std::move(offsets));
    done(absl::DeadlineExceededError("the broker did not say"));
  }

  std::vector<Offset> Write(const TopicPartition& partition,
                            const std::vector<std::string>& records) {
    std::vector<Offset> offsets;
    std::vector<std::function<void()>> watchers;
    Locked([&] {
      auto& present = RecordsOf(partition);
      for (const auto& record : records) {
        offsets.push_back(static_cast<Offset>(present.size()));
        present.push_back(record);
      }
      const auto [first, last] = watchers_.equal_range(Key(partition));
      for (auto watcher = first; watcher != last; ++watcher) watchers.push_back(watcher->second);
    });
    for (const auto& grew : watchers) grew();
    return offsets;
  }

  mutable std::mutex mutex_;
  std::map<TopicKey, std::vector<std::string>> records_;
  std::multimap<TopicKey, std::function<void()>> watchers_;
  std::deque<Fate> append_fates_;
  std::deque<Fate> claim_fates_;
  double chance_of_fault_ = 0;
  std::mt19937 random_;
  std::string held_append_topic_;
  std::string held_end_topic_;
  std::deque<std::function<void()>> held_;
  std::deque<std::pair<TopicPartition, std::vector<std::string>>> late_;
  uint64_t last_id_ = 0;
  std::atomic<int> ends_{0};
  std::atomic<bool> reads_fail_{false};
};

}  // namespace rapport
