// rapport.routes: where owners of partitions say how to reach them. A compacted topic of one
// partition, read whole by everybody.
//
// Threads: Publish from any; `learned` is called on a thread of its own.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "rapport/log/v1/route.pb.h"
#include "services/runtime/log/kafka/client.h"

namespace rapport {

class KafkaRoutes {
 public:
  using Learned = std::function<void(const log::v1::Route&)>;

  // Makes the topic or checks it, and returns when what it holds has been learned; UNAVAILABLE
  // where that takes longer than options.request_timeout.
  static absl::StatusOr<std::unique_ptr<KafkaRoutes>> Follow(KafkaLogOptions options,
                                                             Learned learned);
  ~KafkaRoutes();

  // Returns at once. Said again until it is read back, and whenever an older one is read after it:
  // the topic keeps the last.
  void Publish(log::v1::Route route);

 private:
  struct Own {
    log::v1::Route route;
    absl::Time said_at;
    bool heard = false;  // read back, and nothing older behind it
  };

  KafkaRoutes(KafkaLogOptions options, Learned learned);
  absl::Status Open();
  void Run();
  void Take(const rd_kafka_message_t& message);
  void Say(Own& own);
  void SayAgain();

  const KafkaLogOptions options_;
  const std::string topic_;
  const Learned learned_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> caught_up_{false};
  std::mutex mutex_;
  std::map<std::string, Own> own_;  // by key; those that no newer one was read of
  KafkaClient reader_;
  KafkaClient writer_;
  std::thread thread_;
};

}  // namespace rapport
