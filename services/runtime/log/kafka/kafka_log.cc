#include "services/runtime/log/kafka/kafka_log.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/runtime/base/clock.h"
#include "services/runtime/base/status.h"
#include "services/runtime/log/kafka/envelope.h"
#include "services/runtime/log/kafka/reader.h"
#include "services/runtime/log/kafka/topics.h"
#include "services/runtime/log/kafka/writer.h"

namespace rapport {
namespace {

// How often producers that nobody uses any more are looked for.
constexpr auto kTidyPeriod = std::chrono::milliseconds(500);
// How often a partition's leader is looked for.
constexpr absl::Duration kLeaderPoll = absl::Milliseconds(20);

bool LacksLeader(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
         error == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
}

// One partition, as this instance knows it.
struct Tail {
  TopicPartition partition;           // as Kafka names it
  std::atomic<Offset> known_end{-1};  // the log is at least so long; −1: not asked yet
  // Under the log's lock. The producer of the present claim, and whether its outcomes are known.
  std::shared_ptr<KafkaWriter> writer;
  bool failed = false;
  std::vector<std::function<void()>> watchers;

  void Raise(Offset end) {
    Offset known = known_end;
    while (known < end && !known_end.compare_exchange_weak(known, end)) {
    }
  }
};

class KafkaLog : public EventLog {
 public:
  KafkaLog(KafkaLogOptions options, KafkaClient client, std::shared_ptr<KafkaWriter> writer,
           std::unique_ptr<KafkaReader> reader)
      : options_(std::move(options)),
        client_(std::move(client)),
        writer_(std::move(writer)),
        reader_(std::move(reader)) {
    reader_->grew = [this](const void* tail) { Grew(*static_cast<const Tail*>(tail)); };
    asker_ = std::thread([this] { AnswerEnds(); });
  }

  ~KafkaLog() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    asker_.join();
    // Their last completions still find the log.
    retired_.clear();
    for (auto& [key, tail] : tails_) tail->writer.reset();
    writer_.reset();
    reader_.reset();
  }

  absl::Status EnsureTopic(const std::string& topic, int partitions) override {
    {
      std::lock_guard lock(mutex_);
      const auto ensured = ensured_.find(topic);
      if (ensured != ensured_.end() && ensured->second == partitions) return absl::OkStatus();
    }
    RETURN_IF_ERROR(
        EnsureKafkaTopic(client_.get(), options_, options_.topic_prefix + topic, partitions));
    std::lock_guard lock(mutex_);
    ensured_[topic] = partitions;
    return absl::OkStatus();
  }

  absl::StatusOr<int> Partitions(const std::string& topic) override {
    return KafkaPartitionCount(client_.get(), options_, options_.topic_prefix + topic);
  }

  void Claim(const TopicPartition& partition, ClaimDone done) override {
    if (const absl::Status ready = Renew(FindTail(partition)); !ready.ok()) return done(ready);
    std::unique_lock lock(mutex_);
    const uint64_t id = random_();
    lock.unlock();
    AppendClaim(*this, partition, id, options_.instance, std::move(done));
  }

  void Append(const TopicPartition& partition, std::vector<std::string> records,
              AppendDone done) override {
    Tail* tail = FindTail(partition);
    std::shared_ptr<KafkaWriter> writer;
    {
      std::lock_guard lock(mutex_);
      if (tail->writer == nullptr) tail->writer = writer_;
      if (!tail->failed) writer = tail->writer;
    }
    if (writer == nullptr)
      return done(Unavailable("what was appended before has no known outcome"));
    std::vector<KafkaMessage> messages;
    for (const std::string& bytes : records) {
      log::v1::Record record;
      Ensure(record.ParseFromString(bytes), "what is appended is a record");
      messages.push_back(ToKafka(record, tail->partition.topic));
    }
    writer->Append(
        tail->partition, std::move(messages),
        [this, tail, done = std::move(done)](absl::StatusOr<std::vector<Offset>> offsets) mutable {
          if (offsets.ok()) {
            tail->Raise(offsets->back() + 1);
          } else if (!absl::IsResourceExhausted(offsets.status())) {
            std::lock_guard lock(mutex_);
            tail->failed = true;
          }
          done(std::move(offsets));
        });
  }

  void End(const TopicPartition& partition, EndDone done) override {
    Tail* tail = FindTail(partition);
    {
      std::lock_guard lock(mutex_);
      if (!stopping_) {
        asked_.push_back({tail, std::move(done)});
        done = nullptr;
      }
    }
    if (done) return done(Unavailable("the log is closing"));
    wake_.notify_all();
  }

  Offset KnownEnd(const TopicPartition& partition) override {
    const Tail* tail = FindTail(partition);
    return std::max<Offset>(tail->known_end, reader_->KnownEnd(tail->partition));
  }

  absl::StatusOr<std::vector<Entry>> Read(const TopicPartition& partition, Offset from,
                                          size_t limit) override {
    Tail* tail = FindTail(partition);
    if (limit == 0) return std::vector<Entry>();
    if (tail->known_end < 0 || from > tail->known_end) {
      ASSIGN_OR_RETURN(const std::vector<absl::StatusOr<Offset>> ends, AskEnds({tail}));
      RETURN_IF_ERROR(ends[0].status());
    }
    const Offset end = tail->known_end;
    if (from > end) return std::vector<Entry>();
    const absl::Duration wait = from < end ? options_.request_timeout : absl::ZeroDuration();
    ASSIGN_OR_RETURN(std::vector<Entry> entries,
                     reader_->Read(tail->partition, tail, from, limit, wait));
    if (!entries.empty()) tail->Raise(entries.back().offset + 1);
    if (entries.empty() && from < end) {
      return Unavailable(absl::StrCat("Kafka does not give the records of ", partition.topic, "/",
                                      partition.partition, " from ", from, " on"));
    }
    return entries;
  }

  void Watch(const TopicPartition& partition, std::function<void()> grew) override {
    Tail* tail = FindTail(partition);
    {
      std::lock_guard lock(mutex_);
      tail->watchers.push_back(grew);
    }
    // Who watches reads: from then on the partition is followed, and tells by itself.
    grew();
  }

 private:
  struct Asked {
    Tail* tail;
    EndDone done;
  };

  Tail* FindTail(const TopicPartition& partition) {
    std::lock_guard lock(mutex_);
    auto& tail = tails_[{partition.topic, partition.partition}];
    if (tail == nullptr) {
      tail = std::make_unique<Tail>();
      tail->partition = {options_.topic_prefix + partition.topic, partition.partition};
    }
    return tail.get();
  }

  // A claim begins on a producer whose outcomes upon the partition are all known.
  absl::Status Renew(Tail* tail) {
    {
      std::lock_guard lock(mutex_);
      if (tail->writer != nullptr && !tail->failed && !tail->writer->fatal()) {
        return absl::OkStatus();
      }
      // Another partition may have brought a fresh one already.
      if (tail->writer != writer_ && !writer_->fatal()) {
        Bind(tail, writer_);
        return absl::OkStatus();
      }
    }
    ASSIGN_OR_RETURN(std::shared_ptr<KafkaWriter> fresh, KafkaWriter::Open(options_));
    std::lock_guard lock(mutex_);
    retired_.push_back(std::exchange(writer_, fresh));
    Bind(tail, std::move(fresh));
    return absl::OkStatus();
  }

  // The one before is writer_ or among the retired, which end once no partition has them.
  static void Bind(Tail* tail, std::shared_ptr<KafkaWriter> writer) {
    tail->writer = std::move(writer);
    tail->failed = false;
  }

  void Grew(const Tail& tail) {
    std::vector<std::function<void()>> watchers;
    {
      std::lock_guard lock(mutex_);
      watchers = tail.watchers;
    }
    for (const auto& grew : watchers) grew();
  }

  // One question for all partitions that were asked for while the last one ran.
  void AnswerEnds() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait_for(lock, kTidyPeriod, [this] { return stopping_ || !asked_.empty(); });
      std::vector<Asked> asked = std::exchange(asked_, {});
      std::vector<std::shared_ptr<KafkaWriter>> unused;
      std::erase_if(retired_, [&unused](auto& writer) {
        if (writer.use_count() > 1) return false;
        unused.push_back(std::move(writer));
        return true;
      });
      const bool stopping = stopping_;
      lock.unlock();
      unused.clear();
      if (!asked.empty()) Answer(std::move(asked), stopping);
      if (stopping) return;
      lock.lock();
    }
  }

  void Answer(std::vector<Asked> asked, bool stopping) {
    std::vector<Tail*> tails;
    for (const auto& one : asked) tails.push_back(one.tail);
    absl::StatusOr<std::vector<absl::StatusOr<Offset>>> ends = Unavailable("the log is closing");
    if (!stopping) ends = AskEnds(tails);
    for (size_t i = 0; i < asked.size(); ++i) {
      asked[i].done(ends.ok() ? (*ends)[i] : absl::StatusOr<Offset>(ends.status()));
    }
  }

  absl::StatusOr<std::vector<absl::StatusOr<Offset>>> AskEnds(const std::vector<Tail*>& tails) {
    const absl::Time deadline = SteadyNow() + options_.request_timeout;
    const KafkaPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(tails.size())));
    const std::set<Tail*> each(tails.begin(), tails.end());
    for (const Tail* tail : each) {
      rd_kafka_topic_partition_list_add(list.get(), tail->partition.topic.c_str(),
                                        tail->partition.partition);
    }
    // A partition that was made or moved just now has no leader yet, or one that does not know it.
    while (true) {
      for (int i = 0; i < list->cnt; ++i) list->elems[i].offset = RD_KAFKA_OFFSET_END;
      const rd_kafka_resp_err_t asked =
          rd_kafka_offsets_for_times(client_.get(), list.get(), Millis(deadline - SteadyNow()));
      const bool leaderless =
          LacksLeader(asked) || std::any_of(list->elems, list->elems + list->cnt,
                                            [](const auto& one) { return LacksLeader(one.err); });
      if (leaderless && SteadyNow() + kLeaderPoll < deadline) {
        absl::SleepFor(kLeaderPoll);
        continue;
      }
      if (asked == RD_KAFKA_RESP_ERR_NO_ERROR) break;
      return KafkaError("Kafka does not say where its log ends", asked);
    }
    std::vector<absl::StatusOr<Offset>> ends;
    for (Tail* tail : tails) {
      const auto* found = rd_kafka_topic_partition_list_find(
          list.get(), tail->partition.topic.c_str(), tail->partition.partition);
      if (found->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        ends.emplace_back(
            KafkaError(absl::StrCat("where ", tail->partition.topic, " ends"), found->err));
        continue;
      }
      // An empty partition has no record to name.
      const Offset end = std::max<Offset>(0, found->offset);
      tail->Raise(end);
      ends.emplace_back(end);
    }
    return ends;
  }

  const KafkaLogOptions options_;
  // For questions: upon a connection that fetches, they would wait for the fetch before them.
  const KafkaClient client_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::mt19937_64 random_{std::random_device{}()};
  std::map<std::string, int> ensured_;  // topics that were found in order, with their partitions
  std::map<std::pair<std::string, int>, std::unique_ptr<Tail>> tails_;
  std::shared_ptr<KafkaWriter> writer_;  // for the next claims
  // Each once. They end on the asker's thread: on their own they could not.
  std::vector<std::shared_ptr<KafkaWriter>> retired_;
  std::unique_ptr<KafkaReader> reader_;
  std::vector<Asked> asked_;
  std::thread asker_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<EventLog>> OpenKafkaLog(KafkaLogOptions options) {
  ASSIGN_OR_RETURN(KafkaConf conf,
                   MakeKafkaConf(options, {{"isolation.level", "read_uncommitted"}}));
  ASSIGN_OR_RETURN(KafkaClient client, OpenKafkaClient(RD_KAFKA_CONSUMER, std::move(conf)));
  ASSIGN_OR_RETURN(std::shared_ptr<KafkaWriter> writer, KafkaWriter::Open(options));
  ASSIGN_OR_RETURN(std::unique_ptr<KafkaReader> reader, KafkaReader::Open(options));
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t answered =
      rd_kafka_metadata(client.get(), 0, nullptr, &metadata, Millis(options.request_timeout));
  if (answered != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return KafkaError(absl::StrCat("no Kafka answers at ", options.brokers), answered);
  }
  rd_kafka_metadata_destroy(metadata);
  return std::make_unique<KafkaLog>(std::move(options), std::move(client), std::move(writer),
                                    std::move(reader));
}

}  // namespace rapport
