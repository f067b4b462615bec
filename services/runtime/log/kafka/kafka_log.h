// The event log on Kafka, through librdkafka.
//
// A record is a CloudEvent (envelope.h); topics and what they must be set to are topics.h. Appends
// go out at once, acknowledged by all replicas in sync. No transactions, so that offsets are dense
// and nothing waits for somebody else's.
//
// An append whose outcome is unknown ends its partition's use of the producer; the next claim takes
// a fresh one, and reports that come later are of nobody. Every call ends by its time-out.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "services/runtime/log/log.h"

namespace rapport {

struct KafkaLogOptions {
  std::string brokers;  // host:port,host:port
  // Handed to librdkafka as they are: security.protocol, ssl.ca.location, sasl.username …
  std::map<std::string, std::string> settings;
  // Before every topic's name, where several Rapports share the brokers: "test." of
  // test.rapport.sales.
  std::string topic_prefix;
  // Stands in claims, and is the client.id.
  std::string instance = "rapport";
  // Of topics that are made. None: 3 where there are so many brokers, 1 otherwise.
  std::optional<int> replicas;
  // An instance that gave no sign of life for so long is no longer wanted anywhere. The broker has
  // a limit of its own: group.min.session.timeout.ms.
  absl::Duration session_timeout = absl::Seconds(6);
  // What is not acknowledged by then is of unknown outcome.
  absl::Duration append_timeout = absl::Seconds(10);
  // Of every other question.
  absl::Duration request_timeout = absl::Seconds(5);
};

// The settings in a file of lines "name=value"; empty ones and those that begin with # are passed
// by. NOT_FOUND where it cannot be read, INVALID_ARGUMENT with the line's number where it is none.
absl::StatusOr<std::map<std::string, std::string>> ReadKafkaSettings(const std::string& path);

// Returns when the brokers answer. UNAVAILABLE where they do not within the time-out;
// INVALID_ARGUMENT for a setting that cannot be.
absl::StatusOr<std::unique_ptr<EventLog>> OpenKafkaLog(KafkaLogOptions options);

}  // namespace rapport
