// Which partitions this instance should own, as Kafka shares topics out within a consumer group. A
// hint: who owns a partition is said by its claims alone (log.h), so that a group that is wrong,
// slow or of two minds costs time and nothing else.
//
// The group's consumers are paused for ever: they read nothing and commit nothing.
//
// Threads: `changed` is called on a thread of its own, one call at a time, and may take long.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "services/runtime/log/kafka/client.h"

namespace rapport {

struct KafkaMembershipOptions {
  KafkaLogOptions log;
  std::string group;                // "rapport.service"; the prefix comes before it
  std::vector<std::string> topics;  // "rapport.service", "rapport.service.reference"
  std::function<void(const TopicPartition&, bool wanted)> changed;
};

class KafkaMembership {
 public:
  static absl::StatusOr<std::unique_ptr<KafkaMembership>> Join(KafkaMembershipOptions options);
  // Leaves, if it has not left.
  ~KafkaMembership();

  // Leaves the group, which shares out at once what this instance had; it is wanted nowhere from
  // now on. Returns when the group knows, or at librdkafka's time-out.
  void Leave();

  // Whether the group has said for the first time what this instance should own.
  bool joined() const { return joined_; }

  // Instances in the group, this one among them. UNAVAILABLE where the brokers do not say.
  absl::StatusOr<int> Members() const;

 private:
  explicit KafkaMembership(KafkaMembershipOptions options) : options_(std::move(options)) {}
  void Run();
  void Rebalance(rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t* partitions);

  const KafkaMembershipOptions options_;
  std::atomic<bool> leaving_{false};
  std::atomic<bool> joined_{false};
  KafkaClient client_;
  std::thread thread_;
};

}  // namespace rapport
