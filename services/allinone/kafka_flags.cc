#include "services/allinone/kafka_flags.h"

#include "CLI/CLI.hpp"
#include "services/runtime/base/status.h"

namespace rapport {

void AddKafkaFlags(CLI::App& app, KafkaFlags* flags) {
  app.add_option("--kafka", flags->brokers,
                 "The events are on these Kafka brokers, host:port,host:port; without it, in the "
                 "data folder")
      ->envname("RAPPORT_KAFKA");
  app.add_option("--kafka-topic-prefix", flags->topic_prefix,
                 "Before every topic's name, where several Rapports share the brokers")
      ->envname("RAPPORT_KAFKA_TOPIC_PREFIX");
  app.add_option("--kafka-settings", flags->settings,
                 "File of librdkafka settings, a line name=value each: TLS and SASL")
      ->envname("RAPPORT_KAFKA_SETTINGS");
}

absl::StatusOr<std::optional<KafkaLogOptions>> ToOptions(const KafkaFlags& flags) {
  if (flags.brokers.empty()) return std::nullopt;
  KafkaLogOptions options{.brokers = flags.brokers, .topic_prefix = flags.topic_prefix};
  if (!flags.settings.empty()) {
    ASSIGN_OR_RETURN(options.settings, ReadKafkaSettings(flags.settings));
  }
  return options;
}

}  // namespace rapport
