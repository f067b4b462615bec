// The flags that say where Kafka is, of servers and of rapportctl.
#pragma once

#include <optional>
#include <string>

#include "services/runtime/log/kafka/kafka_log.h"

namespace CLI {
class App;
}

namespace rapport {

struct KafkaFlags {
  std::string brokers;  // empty: no Kafka
  std::string topic_prefix;
  std::string settings;  // a file
};

// Every flag has an environment variable: --kafka is RAPPORT_KAFKA.
void AddKafkaFlags(CLI::App& app, KafkaFlags* flags);

// None where no brokers are named. Fails as ReadKafkaSettings.
absl::StatusOr<std::optional<KafkaLogOptions>> ToOptions(const KafkaFlags& flags);

}  // namespace rapport
