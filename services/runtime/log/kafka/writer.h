// One producer, and the appends that are under way on it.
//
// Threads: Append from any; completions run on the writer's own thread, those of one turn in one
// round (base/round.h). Destroy it on another thread than its own.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "services/runtime/log/kafka/client.h"
#include "services/runtime/log/kafka/envelope.h"

namespace rapport {

class KafkaWriter {
 public:
  static absl::StatusOr<std::shared_ptr<KafkaWriter>> Open(const KafkaLogOptions& options);
  // What is under way is of unknown outcome, and says so.
  ~KafkaWriter();

  // Sends the messages in their order and calls `done` once: with their offsets when all are
  // acknowledged, or with the first that failed. RESOURCE_EXHAUSTED: nothing was sent.
  void Append(const TopicPartition& partition, std::vector<KafkaMessage> messages,
              EventLog::AppendDone done);

  // It will never send anything again.
  bool fatal() const { return rd_kafka_fatal_error(client_.get(), nullptr, 0) != 0; }

 private:
  struct Batch;
  // What librdkafka gives back with the report of a message.
  struct Slot {
    Batch* batch = nullptr;
    size_t index = 0;
  };
  struct Batch {
    std::vector<Slot> slots;
    std::vector<Offset> offsets;
    size_t reports = 0;         // that are still to come
    EventLog::AppendDone done;  // null when it was called
    absl::Time deadline;
    std::list<Batch>::iterator self;
  };

  explicit KafkaWriter(const KafkaLogOptions& options) : options_(options) {}
  void Run();
  void Report(const rd_kafka_message_t& message);
  void FailOverdue();
  rd_kafka_resp_err_t Send(const TopicPartition& partition, const KafkaMessage& message,
                           Slot* slot);

  const KafkaLogOptions options_;
  std::mutex mutex_;
  std::list<Batch> batches_;
  std::atomic<bool> stopping_{false};
  KafkaClient client_;
  std::thread thread_;
};

}  // namespace rapport
