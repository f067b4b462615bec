#include "services/runtime/log/kafka/reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/runtime/base/clock.h"
#include "services/runtime/base/status.h"
#include "services/runtime/log/kafka/envelope.h"

namespace rapport {
namespace {

// Of one place: who lags no further behind another reader than this reads what was fetched already.
constexpr size_t kLatestRecords = 512;
constexpr size_t kLatestBytes = 256 << 10;

using Message = std::unique_ptr<rd_kafka_message_t, KafkaDelete<rd_kafka_message_destroy>>;

KafkaMessage FromRdKafka(const rd_kafka_message_t& message) {
  KafkaMessage copy;
  copy.key.assign(static_cast<const char*>(message.key), message.key_len);
  copy.value.assign(static_cast<const char*>(message.payload), message.len);
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return copy;
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  for (size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    copy.headers.emplace_back(name, std::string(static_cast<const char*>(value), size));
  }
  return copy;
}

}  // namespace

absl::StatusOr<std::unique_ptr<KafkaReader>> KafkaReader::Open(const KafkaLogOptions& options) {
  auto reader = std::make_unique<KafkaReader>();
  for (KafkaClient& client : reader->clients_) {
    ASSIGN_OR_RETURN(KafkaConf conf,
                     MakeKafkaConf(options, {{"enable.auto.commit", "false"},
                                             {"auto.offset.reset", "error"},
                                             // Other than that, only transactions would be waited
                                             // for, and there are none.
                                             {"isolation.level", "read_uncommitted"},
                                             {"check.crcs", "true"},
                                             // Who begins to read a partition waits for the
                                             // others' fetch.
                                             {"fetch.wait.max.ms", "50"},
                                             {"fetch.error.backoff.ms", "50"},
                                             {"queued.max.messages.kbytes", "1024"}}));
    ASSIGN_OR_RETURN(client, OpenKafkaClient(RD_KAFKA_CONSUMER, std::move(conf)));
  }
  return reader;
}

KafkaReader::~KafkaReader() {
  for (auto& [name, followed] : followed_) {
    for (Reel& reel : followed->reels) Stop(*followed, reel);
  }
}

absl::StatusOr<std::vector<Entry>> KafkaReader::Read(const TopicPartition& partition,
                                                     const void* whose, Offset from, size_t limit,
                                                     absl::Duration wait) {
  Followed& followed = Find(partition, whose);
  std::unique_lock<std::mutex> held;
  Reel& reel = Choose(followed, from, &held);
  if (!reel.Has(from)) RETURN_IF_ERROR(MoveTo(followed, reel, from));
  if (from == reel.next) RETURN_IF_ERROR(Fetch(followed, reel, limit, wait));
  const Offset first = reel.next - static_cast<Offset>(reel.latest.size());
  const auto begin = reel.latest.begin() + (from - first);
  const auto count = std::min<ptrdiff_t>(static_cast<ptrdiff_t>(limit), reel.latest.end() - begin);
  return std::vector<Entry>(begin, begin + count);
}

Offset KafkaReader::KnownEnd(const TopicPartition& partition) {
  Offset end = -1;
  for (KafkaClient& client : clients_) {
    int64_t low = 0;
    int64_t high = 0;
    if (rd_kafka_get_watermark_offsets(client.get(), partition.topic.c_str(), partition.partition,
                                       &low, &high) == RD_KAFKA_RESP_ERR_NO_ERROR) {
      end = std::max<Offset>(end, high);
    }
  }
  return end;
}

KafkaReader::Followed& KafkaReader::Find(const TopicPartition& partition, const void* whose) {
  std::lock_guard lock(mutex_);
  auto& followed = followed_[{partition.topic, partition.partition}];
  if (followed != nullptr) return *followed;
  followed = std::make_unique<Followed>();
  followed->reader = this;
  followed->partition = partition;
  followed->whose = whose;
  for (size_t i = 0; i < kReels; ++i) {
    KafkaTopic& topic = topics_[{i, partition.topic}];
    if (topic == nullptr) {
      topic.reset(rd_kafka_topic_new(clients_[i].get(), partition.topic.c_str(), nullptr));
    }
    followed->reels[i].topic = topic.get();
    followed->reels[i].queue.reset(rd_kafka_queue_new(clients_[i].get()));
  }
  return *followed;
}

// The place that has `from`, or else the one that was not used for longest; held.
KafkaReader::Reel& KafkaReader::Choose(Followed& followed, Offset from,
                                       std::unique_lock<std::mutex>* held) {
  Reel* oldest = nullptr;
  for (Reel& reel : followed.reels) {
    std::unique_lock lock(reel.mutex);
    if (reel.Has(from)) {
      *held = std::move(lock);
      oldest = &reel;
      break;
    }
    if (oldest == nullptr || reel.used < oldest->used) {
      oldest = &reel;
      *held = std::move(lock);
    }
  }
  std::lock_guard lock(mutex_);
  oldest->used = ++uses_;
  return *oldest;
}

absl::Status KafkaReader::MoveTo(Followed& followed, Reel& reel, Offset from) {
  Stop(followed, reel);
  if (rd_kafka_consume_start_queue(reel.topic, followed.partition.partition, from,
                                   reel.queue.get()) != 0) {
    return KafkaError(absl::StrCat("cannot read ", followed.partition.topic),
                      rd_kafka_last_error());
  }
  reel.next = from;
  rd_kafka_queue_cb_event_enable(
      reel.queue.get(),
      [](rd_kafka_t*, void* opaque) {
        const auto* grown = static_cast<Followed*>(opaque);
        grown->reader->grew(grown->whose);
      },
      &followed);
  return absl::OkStatus();
}

void KafkaReader::Stop(Followed& followed, Reel& reel) {
  if (reel.next < 0) return;
  rd_kafka_queue_cb_event_enable(reel.queue.get(), nullptr, nullptr);
  rd_kafka_consume_stop(reel.topic, followed.partition.partition);
  reel.next = -1;
  reel.latest.clear();
  reel.latest_bytes = 0;
}

// Into `latest`: what is there, and at least one where one comes in time.
absl::Status KafkaReader::Fetch(Followed& followed, Reel& reel, size_t limit, absl::Duration wait) {
  const absl::Time deadline = SteadyNow() + wait;
  const Offset begin = reel.next;
  size_t taken = 0;
  while (taken < limit) {
    // What was queued before a move is passed by.
    const int patience = reel.next > begin ? 0 : std::max(0, Millis(deadline - SteadyNow()));
    const Message message(rd_kafka_consume_queue(reel.queue.get(), patience));
    if (message == nullptr) return absl::OkStatus();
    RETURN_IF_ERROR(Take(followed, reel, *message));
    taken = static_cast<size_t>(reel.next - begin);
    if (taken >= kLatestRecords || reel.latest_bytes >= kLatestBytes) break;
  }
  return absl::OkStatus();
}

absl::Status KafkaReader::Take(Followed& followed, Reel& reel, const rd_kafka_message_t& message) {
  const std::string where =
      absl::StrCat(followed.partition.topic, "/", followed.partition.partition);
  const bool reset = message.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET;
  if (!reset && message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return KafkaError(absl::StrCat("cannot read ", where), message.err);
  }
  if (!reset && message.offset < reel.next) return absl::OkStatus();
  if (reset || message.offset > reel.next) {
    const Offset missing = reel.next;
    Stop(followed, reel);
    return absl::DataLossError(
        absl::StrCat(where, " has no record at offset ", missing, "; restore the log"));
  }
  const absl::StatusOr<log::v1::Record> record = FromKafka(FromRdKafka(message));
  if (!record.ok()) {
    Stop(followed, reel);
    return absl::DataLossError(absl::StrCat(where, ": the record at offset ", message.offset,
                                            " cannot be read: ", record.status().message()));
  }
  Entry entry{.offset = message.offset, .bytes = record->SerializeAsString()};
  reel.latest_bytes += entry.bytes.size();
  reel.latest.push_back(std::move(entry));
  ++reel.next;
  while (reel.latest.size() > 2 * kLatestRecords || reel.latest_bytes > 2 * kLatestBytes) {
    reel.latest_bytes -= reel.latest.front().bytes.size();
    reel.latest.pop_front();
  }
  return absl::OkStatus();
}

}  // namespace rapport
