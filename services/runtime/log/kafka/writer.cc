#include "services/runtime/log/kafka/writer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/runtime/base/clock.h"
#include "services/runtime/base/round.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

constexpr int kPollMs = 100;
// librdkafka ends a message at its time-out; should it ever not, the append ends so much later.
constexpr absl::Duration kOverdue = absl::Seconds(2);

}  // namespace

absl::StatusOr<std::shared_ptr<KafkaWriter>> KafkaWriter::Open(const KafkaLogOptions& options) {
  ASSIGN_OR_RETURN(
      KafkaConf conf,
      MakeKafkaConf(options,
                    {{"enable.idempotence", "true"},
                     {"acks", "all"},
                     {"linger.ms", "0"},
                     {"retry.backoff.ms", "50"},
                     {"delivery.timeout.ms", absl::StrCat(Millis(options.append_timeout))},
                     {"request.timeout.ms", absl::StrCat(Millis(options.request_timeout))},
                     {"socket.timeout.ms", absl::StrCat(2 * Millis(options.request_timeout))}}));
  std::shared_ptr<KafkaWriter> writer(new KafkaWriter(options));
  rd_kafka_conf_set_opaque(conf.get(), writer.get());
  rd_kafka_conf_set_dr_msg_cb(conf.get(),
                              [](rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
                                static_cast<KafkaWriter*>(self)->Report(*message);
                              });
  ASSIGN_OR_RETURN(writer->client_, OpenKafkaClient(RD_KAFKA_PRODUCER, std::move(conf)));
  writer->thread_ = std::thread([self = writer.get()] { self->Run(); });
  return writer;
}

KafkaWriter::~KafkaWriter() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
  if (client_ == nullptr) return;
  rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_poll(client_.get(), 0);
  for (auto& batch : batches_) {
    if (batch.done) batch.done(Unavailable("the log is closing"));
  }
}

void KafkaWriter::Append(const TopicPartition& partition, std::vector<KafkaMessage> messages,
                         EventLog::AppendDone done) {
  Batch* batch = nullptr;
  {
    std::lock_guard lock(mutex_);
    batch = &batches_.emplace_back();
    batch->self = std::prev(batches_.end());
    batch->reports = messages.size();
    batch->offsets.resize(messages.size());
    batch->slots.resize(messages.size());
    batch->done = std::move(done);
    batch->deadline = SteadyNow() + options_.append_timeout + kOverdue;
  }
  // The batch may be gone when the last message was sent.
  for (size_t i = 0; i < messages.size(); ++i) {
    Slot& slot = batch->slots[i];
    slot = {.batch = batch, .index = i};
    const rd_kafka_resp_err_t sent = Send(partition, messages[i], &slot);
    if (sent == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    EventLog::AppendDone failed;
    {
      std::lock_guard lock(mutex_);
      failed = std::exchange(batch->done, nullptr);
      batch->reports -= messages.size() - i;
      if (batch->reports == 0) batches_.erase(batch->self);
    }
    if (!failed) return;
    if (i == 0 && sent == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      return failed(Overloaded("too much waits to be sent to Kafka; nothing was written"));
    }
    return failed(KafkaError("Kafka does not take the record", sent));
  }
}

rd_kafka_resp_err_t KafkaWriter::Send(const TopicPartition& partition, const KafkaMessage& message,
                                      Slot* slot) {
  rd_kafka_headers_t* headers = rd_kafka_headers_new(message.headers.size());
  for (const auto& [name, value] : message.headers) {
    rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  }
  const void* key = message.key.empty() ? nullptr : message.key.data();
  const rd_kafka_resp_err_t sent = rd_kafka_producev(
      client_.get(), RD_KAFKA_V_TOPIC(partition.topic.c_str()),
      RD_KAFKA_V_PARTITION(partition.partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
      RD_KAFKA_V_KEY(key, message.key.size()),
      RD_KAFKA_V_VALUE(const_cast<char*>(message.value.data()), message.value.size()),
      RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(slot), RD_KAFKA_V_END);
  if (sent != RD_KAFKA_RESP_ERR_NO_ERROR) rd_kafka_headers_destroy(headers);
  return sent;
}

void KafkaWriter::Run() {
  while (!stopping_) {
    {
      // Of one batch after another, so that all are applied before anybody is answered.
      Round round;
      rd_kafka_poll(client_.get(), kPollMs);
    }
    FailOverdue();
  }
}

void KafkaWriter::Report(const rd_kafka_message_t& message) {
  const Slot& slot = *static_cast<Slot*>(message._private);
  Batch& batch = *slot.batch;
  EventLog::AppendDone done;
  absl::StatusOr<std::vector<Offset>> outcome;
  {
    std::lock_guard lock(mutex_);
    absl::Status status;
    if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      status = KafkaError("Kafka did not acknowledge the record", message.err);
    } else if (message.offset < 0) {
      status = Unavailable("Kafka acknowledged the record without saying where it is");
    }
    batch.offsets[slot.index] = message.offset;
    const bool last = --batch.reports == 0;
    if (!status.ok()) {
      outcome = status;
    } else if (last) {
      outcome = std::move(batch.offsets);
    }
    if (!status.ok() || last) done = std::exchange(batch.done, nullptr);
    if (last) batches_.erase(batch.self);
  }
  if (done) done(std::move(outcome));
}

void KafkaWriter::FailOverdue() {
  std::vector<EventLog::AppendDone> overdue;
  {
    std::lock_guard lock(mutex_);
    const absl::Time now = SteadyNow();
    for (auto& batch : batches_) {
      if (batch.done && batch.deadline < now) overdue.push_back(std::exchange(batch.done, nullptr));
    }
  }
  for (auto& done : overdue) done(Unavailable("Kafka gave no report of the record in time"));
}

}  // namespace rapport
