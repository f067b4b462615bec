#include "services/runtime/log/embedded/embedded_log.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "absl/base/internal/endian.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "rocksdb/db.h"
#include "rocksdb/utilities/checkpoint.h"
#include "rocksdb/write_batch.h"
#include "services/runtime/base/disk_space.h"
#include "services/runtime/base/round.h"
#include "services/runtime/base/status.h"
#include "services/runtime/log/embedded/log_db.h"

namespace rapport {
namespace {

// Where the last group shows that many write at once, the next one waits this long for company: an
// fsync costs more than that. A lone writer never waits.
constexpr auto kGather = std::chrono::microseconds(50);
constexpr size_t kGatherFrom = 4;  // records of the last group
// A group is cut here so that one commit's memory stays bounded.
constexpr size_t kMaxGroupBytes = 16 << 20;

std::string BigEndian16(int value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

std::string BigEndian64(uint64_t value) {
  const uint64_t big = absl::big_endian::FromHost64(value);
  return {reinterpret_cast<const char*>(&big), sizeof(big)};
}

// One partition's place in the log.
struct Tail {
  std::string key_prefix;
  Offset end = 0;
  std::vector<std::function<void()>> watchers;
};

struct Pending {
  Tail* tail;
  std::vector<std::string> records;
  EventLog::AppendDone done;
};

class EmbeddedLog : public EventLog {
 public:
  EmbeddedLog(EmbeddedLogOptions options, std::unique_ptr<rocksdb::DB> db,
              std::function<void(const GroupCommit&)> on_commit)
      : options_(std::move(options)), db_(std::move(db)), on_commit_(std::move(on_commit)) {
    for (int i = 0; options_.writable && i < options_.writers; ++i) {
      writers_.emplace_back([this] { Write(); });
    }
  }

  ~EmbeddedLog() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (auto& writer : writers_) writer.join();
  }

  // To be called before anything else. DATA_LOSS where the log is damaged: a topic that cannot be
  // seen must not be made anew over the old one.
  absl::Status LoadTopics() {
    std::unique_ptr<rocksdb::Iterator> row(db_->NewIterator({}));
    std::vector<std::pair<std::string, std::string>> found;
    for (row->Seek("T"); row->Valid() && row->key().starts_with("T"); row->Next()) {
      found.emplace_back(row->key().ToString().substr(1), row->value().ToString());
    }
    RETURN_IF_ERROR(FromRocks(row->status()));
    for (const auto& [topic, value] : found) {
      const std::pair<std::string, std::string> parts = absl::StrSplit(value, ' ');
      int id = 0;
      int partitions = 0;
      Ensure(absl::SimpleAtoi(parts.first, &id) && absl::SimpleAtoi(parts.second, &partitions),
             "a topic's row is written by EnsureTopic");
      RETURN_IF_ERROR(AddTopic(topic, id, partitions));
    }
    return absl::OkStatus();
  }

  absl::Status EnsureTopic(const std::string& topic, int partitions) override {
    std::lock_guard lock(mutex_);
    if (auto found = topics_.find(topic); found != topics_.end()) {
      const int present = static_cast<int>(found->second.size());
      if (present == partitions) return absl::OkStatus();
      return absl::FailedPreconditionError(
          absl::StrCat(topic, " has ", present, " partitions, not ", partitions,
                       "; partitions are fixed when a topic is created: start with --partitions ",
                       present, " or with an empty data folder"));
    }
    if (!options_.writable) return NotFound(topic, "not in this log");
    const int id = static_cast<int>(topics_.size());
    rocksdb::WriteOptions synced;
    synced.sync = true;
    RETURN_IF_ERROR(FromRocks(db_->Put(synced, "T" + topic, absl::StrCat(id, " ", partitions))));
    return AddTopic(topic, id, partitions);
  }

  absl::Status CopyTo(const std::string& folder) override {
    rocksdb::Checkpoint* made = nullptr;
    rocksdb::Status copied = rocksdb::Checkpoint::Create(db_.get(), &made);
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
    if (copied.ok()) copied = checkpoint->CreateCheckpoint(folder);
    return FromRocks(copied);
  }

  absl::StatusOr<int> Partitions(const std::string& topic) override {
    std::lock_guard lock(mutex_);
    const auto found = topics_.find(topic);
    if (found == topics_.end()) return NotFound(topic, "not in this log");
    return static_cast<int>(found->second.size());
  }

  void Claim(const TopicPartition& partition, ClaimDone done) override {
    AppendClaim(*this, partition, RandomId(), "", std::move(done));
  }

  void Append(const TopicPartition& partition, std::vector<std::string> records,
              AppendDone done) override {
    if (!options_.writable) {
      return done(absl::FailedPreconditionError("the log was opened for reading only"));
    }
    if (disk_.full()) {
      return done(
          Overloaded(absl::StrCat("the log's disk is full: less than ", options_.min_free_bytes,
                                  " bytes are free; nothing was written"),
                     absl::Seconds(1)));
    }
    bool wake;
    {
      std::lock_guard lock(mutex_);
      // Otherwise a writer is at work, and wakes the next one when it is done.
      wake = pending_.empty() && !committing_;
      if (!stopping_) {
        pending_.push_back({FindTail(partition), std::move(records), std::move(done)});
        done = nullptr;
      }
    }
    if (done) return done(Unavailable("the log is closing", absl::Seconds(1)));
    if (wake) wake_.notify_one();
  }

  void End(const TopicPartition& partition, EndDone done) override {
    Offset end;
    {
      std::lock_guard lock(mutex_);
      end = FindTail(partition)->end;
    }
    done(end);
  }

  Offset KnownEnd(const TopicPartition& partition) override {
    std::lock_guard lock(mutex_);
    return FindTail(partition)->end;
  }

  absl::StatusOr<std::vector<Entry>> Read(const TopicPartition& partition, Offset from,
                                          size_t limit) override {
    std::string prefix;
    Offset end;
    {
      std::lock_guard lock(mutex_);
      const Tail* tail = FindTail(partition);
      prefix = tail->key_prefix;
      end = tail->end;
    }
    std::vector<Entry> entries;
    if (from >= end) return entries;
    std::unique_ptr<rocksdb::Iterator> row(db_->NewIterator({}));
    for (row->Seek(prefix + BigEndian64(from)); row->Valid() && entries.size() < limit;
         row->Next()) {
      if (!row->key().starts_with(prefix)) break;
      const Offset offset = absl::big_endian::Load64(row->key().data() + prefix.size());
      if (offset >= end) break;
      if (offset != from + static_cast<Offset>(entries.size())) {
        return absl::DataLossError(
            absl::StrCat(partition.topic, "/", partition.partition, " has no record at offset ",
                         from + static_cast<Offset>(entries.size()), "; restore the log"));
      }
      entries.push_back({offset, row->value().ToString()});
    }
    RETURN_IF_ERROR(FromRocks(row->status()));
    return entries;
  }

  void Watch(const TopicPartition& partition, std::function<void()> grew) override {
    std::lock_guard lock(mutex_);
    FindTail(partition)->watchers.push_back(std::move(grew));
  }

 private:
  absl::Status AddTopic(const std::string& topic, int id, int partitions) {
    std::vector<std::unique_ptr<Tail>> tails;
    std::unique_ptr<rocksdb::Iterator> row(db_->NewIterator({}));
    for (int partition = 0; partition < partitions; ++partition) {
      auto tail = std::make_unique<Tail>();
      tail->key_prefix = "R" + BigEndian16(id) + BigEndian16(partition);
      row->SeekForPrev(tail->key_prefix + std::string(8, '\xff'));
      if (row->Valid() && row->key().starts_with(tail->key_prefix)) {
        tail->end = 1 + static_cast<Offset>(
                            absl::big_endian::Load64(row->key().data() + tail->key_prefix.size()));
      }
      RETURN_IF_ERROR(FromRocks(row->status()));
      tails.push_back(std::move(tail));
    }
    topics_[topic] = std::move(tails);
    return absl::OkStatus();
  }

  Tail* FindTail(const TopicPartition& partition) {
    auto found = topics_.find(partition.topic);
    Ensure(found != topics_.end() && partition.partition < static_cast<int>(found->second.size()),
           "a topic is ensured before it is used");
    return found->second[partition.partition].get();
  }

  uint64_t RandomId() {
    std::lock_guard lock(mutex_);
    return random_();
  }

  // A writer: commits a group, then completes it, while the other writer commits the next. So what
  // the completions append is on its way without a hand-over between threads.
  void Write() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait_for(lock, absl::ToChronoMilliseconds(DiskSpace::kPeriod),
                     [this] { return !committing_ && (stopping_ || !pending_.empty()); });
      if (committing_) continue;
      disk_.Look();
      if (pending_.empty()) {
        if (stopping_) return;
        continue;
      }
      committing_ = true;
      if (last_group_records_ >= kGatherFrom && !stopping_) {
        lock.unlock();
        std::this_thread::sleep_for(kGather);
        lock.lock();
      }
      std::vector<Pending> group = TakeGroup();
      lock.unlock();
      std::vector<std::vector<Offset>> offsets(group.size());
      const absl::Status written = Commit(group, &offsets);
      lock.lock();
      committing_ = false;
      const bool more = !pending_.empty() || stopping_;
      lock.unlock();
      if (more) wake_.notify_one();
      Complete(std::move(group), written, std::move(offsets));
      lock.lock();
    }
  }

  // In one round, so that all batches are applied before anybody is answered.
  static void Complete(std::vector<Pending> group, const absl::Status& written,
                       std::vector<std::vector<Offset>> offsets) {
    Round round;
    for (size_t i = 0; i < group.size(); ++i) {
      absl::StatusOr<std::vector<Offset>> outcome = std::move(offsets[i]);
      if (!written.ok()) outcome = written;
      group[i].done(std::move(outcome));
    }
  }

  std::vector<Pending> TakeGroup() {
    std::vector<Pending> group;
    size_t bytes = 0;
    while (!pending_.empty() && bytes < kMaxGroupBytes) {
      for (const auto& record : pending_.front().records) bytes += record.size();
      group.push_back(std::move(pending_.front()));
      pending_.pop_front();
    }
    return group;
  }

  // Writes the group and moves the ends, which move only here: they are read without the lock.
  absl::Status Commit(const std::vector<Pending>& group,
                      std::vector<std::vector<Offset>>* offsets) {
    const auto begin = std::chrono::steady_clock::now();
    std::map<Tail*, Offset> ends;
    rocksdb::WriteBatch batch;
    GroupCommit commit;
    for (size_t i = 0; i < group.size(); ++i) {
      Tail* tail = group[i].tail;
      Offset& end = ends.emplace(tail, tail->end).first->second;
      for (const auto& record : group[i].records) {
        batch.Put(tail->key_prefix + BigEndian64(end), record);
        commit.bytes += record.size();
        ++commit.records;
        (*offsets)[i].push_back(end++);
      }
    }
    last_group_records_ = commit.records;
    RETURN_IF_ERROR(WriteDurably(&batch));
    std::vector<std::function<void()>> watchers;
    {
      std::lock_guard lock(mutex_);
      for (const auto& [tail, end] : ends) {
        tail->end = end;
        watchers.insert(watchers.end(), tail->watchers.begin(), tail->watchers.end());
      }
    }
    for (const auto& grew : watchers) grew();
    commit.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (on_commit_) on_commit_(commit);
    return absl::OkStatus();
  }

  // After a failed write RocksDB refuses further ones until it has been resumed; a record of the
  // failed group that surfaces after a restart is of unknown outcome, or was overwritten.
  absl::Status WriteDurably(rocksdb::WriteBatch* batch) {
    if (failed_) RETURN_IF_ERROR(FromRocks(db_->Resume()));
    rocksdb::WriteOptions synced;
    synced.sync = true;
    const rocksdb::Status written = db_->Write(synced, batch);
    failed_ = !written.ok();
    return FromRocks(written);
  }

  const EmbeddedLogOptions options_;
  const std::unique_ptr<rocksdb::DB> db_;
  const std::function<void(const GroupCommit&)> on_commit_;
  DiskSpace disk_{options_.path, options_.min_free_bytes};
  // Of the writer that commits.
  bool failed_ = false;
  size_t last_group_records_ = 0;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, std::vector<std::unique_ptr<Tail>>> topics_;
  std::deque<Pending> pending_;
  bool stopping_ = false;
  std::mt19937_64 random_{std::random_device{}()};
  bool committing_ = false;
  std::vector<std::thread> writers_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<EventLog>> OpenEmbeddedLog(
    EmbeddedLogOptions options, std::function<void(const GroupCommit&)> on_commit) {
  ASSIGN_OR_RETURN(auto db, OpenLogDb(options.path, options.writable));
  auto log = std::make_unique<EmbeddedLog>(std::move(options), std::move(db), std::move(on_commit));
  RETURN_IF_ERROR(log->LoadTopics());
  return log;
}

}  // namespace rapport
