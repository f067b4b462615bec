// librdkafka's handles as C++ owns them, and its errors as ours.
//
// Threads: see librdkafka; a handle may be used from any.
#pragma once

#include <librdkafka/rdkafka.h>

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/runtime/log/kafka/kafka_log.h"

namespace rapport {

using KafkaSettings = std::map<std::string, std::string>;

template <auto destroy>
struct KafkaDelete {
  template <class T>
  void operator()(T* thing) const {
    destroy(thing);
  }
};
using KafkaClient = std::unique_ptr<rd_kafka_t, KafkaDelete<rd_kafka_destroy>>;
using KafkaConf = std::unique_ptr<rd_kafka_conf_t, KafkaDelete<rd_kafka_conf_destroy>>;
using KafkaTopic = std::unique_ptr<rd_kafka_topic_t, KafkaDelete<rd_kafka_topic_destroy>>;
using KafkaQueue = std::unique_ptr<rd_kafka_queue_t, KafkaDelete<rd_kafka_queue_destroy>>;
using KafkaEvent = std::unique_ptr<rd_kafka_event_t, KafkaDelete<rd_kafka_event_destroy>>;
using KafkaPartitions = std::unique_ptr<rd_kafka_topic_partition_list_t,
                                        KafkaDelete<rd_kafka_topic_partition_list_destroy>>;

// What every handle is told: `own`, the addresses, and what the operator set. INVALID_ARGUMENT for
// a setting that there is not, that cannot be so, or that the log's safety rests on.
absl::StatusOr<KafkaConf> MakeKafkaConf(const KafkaLogOptions& options, const KafkaSettings& own);
// Takes the configuration.
absl::StatusOr<KafkaClient> OpenKafkaClient(rd_kafka_type_t type, KafkaConf conf);

// UNAVAILABLE: whatever Kafka says may be over by the next try.
absl::Status KafkaError(absl::string_view what, rd_kafka_resp_err_t error);

inline int Millis(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

}  // namespace rapport
