// Topics: made explicitly, and held to what the log's promises rest on.
//
//   cleanup.policy=delete, retention.ms=-1 and retention.bytes=-1   nothing is ever removed
//   unclean.leader.election.enable=false                            nothing acknowledged is lost
//   min.insync.replicas=2 where there are three replicas or more    by one broker's end
//
// Threads: any.
#pragma once

#include "services/runtime/log/kafka/client.h"

namespace rapport {

// Of a topic of the log.
const KafkaSettings& KafkaLogTopicSettings();

// Makes the topic where there is none. FAILED_PRECONDITION with the mend where it has another
// number of partitions or is set otherwise.
absl::Status EnsureKafkaTopic(rd_kafka_t* client, const KafkaLogOptions& options,
                              const std::string& topic, int partitions,
                              const KafkaSettings& settings = KafkaLogTopicSettings());

// NOT_FOUND where there is no such topic.
absl::StatusOr<int> KafkaPartitionCount(rd_kafka_t* client, const KafkaLogOptions& options,
                                        const std::string& topic);

}  // namespace rapport
