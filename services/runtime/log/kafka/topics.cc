#include "services/runtime/log/kafka/topics.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/runtime/base/clock.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

constexpr size_t kErrorBytes = 512;
constexpr int kReplicas = 3;
// How long a topic that was made may stay unseen, and how often it is looked for.
constexpr absl::Duration kShownWithin = absl::Seconds(30);
constexpr absl::Duration kShownPoll = absl::Milliseconds(20);

using Options =
    std::unique_ptr<rd_kafka_AdminOptions_t, KafkaDelete<rd_kafka_AdminOptions_destroy>>;
using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, KafkaDelete<rd_kafka_NewTopic_destroy>>;
using Resource =
    std::unique_ptr<rd_kafka_ConfigResource_t, KafkaDelete<rd_kafka_ConfigResource_destroy>>;

// Sends an administrative request and awaits its answer.
absl::StatusOr<KafkaEvent> Ask(
    rd_kafka_t* client, rd_kafka_admin_op_t what, absl::Duration timeout,
    absl::FunctionRef<void(const rd_kafka_AdminOptions_t*, rd_kafka_queue_t*)> send) {
  const Options options(rd_kafka_AdminOptions_new(client, what));
  char why[kErrorBytes];
  rd_kafka_AdminOptions_set_request_timeout(options.get(), Millis(timeout), why, sizeof(why));
  const KafkaQueue queue(rd_kafka_queue_new(client));
  send(options.get(), queue.get());
  // librdkafka answers by the time-out itself; this is for when it does not.
  KafkaEvent event(rd_kafka_queue_poll(queue.get(), 2 * Millis(timeout)));
  if (event == nullptr) return Unavailable("Kafka does not answer");
  if (rd_kafka_event_error(event.get()) == RD_KAFKA_RESP_ERR_NO_ERROR) return event;
  return Unavailable(
      absl::StrCat("Kafka does not answer: ", rd_kafka_event_error_string(event.get())));
}

struct Described {
  int partitions = 0;  // 0: there is no such topic
  int replicas = 0;
  int brokers = 0;
};

absl::StatusOr<Described> Describe(rd_kafka_t* client, const KafkaLogOptions& options,
                                   const std::string& topic) {
  const KafkaTopic handle(rd_kafka_topic_new(client, topic.c_str(), nullptr));
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t asked =
      rd_kafka_metadata(client, 0, handle.get(), &metadata, Millis(options.request_timeout));
  if (asked != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return KafkaError(absl::StrCat("Kafka at ", options.brokers, " does not answer"), asked);
  }
  const absl::Cleanup done = [metadata] { rd_kafka_metadata_destroy(metadata); };
  Described described{.brokers = metadata->broker_cnt};
  if (metadata->topic_cnt == 0) return described;
  const rd_kafka_metadata_topic_t& found = metadata->topics[0];
  if (found.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return described;
  if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return KafkaError(absl::StrCat("Kafka's topic ", topic), found.err);
  }
  described.partitions = found.partition_cnt;
  for (int i = 0; i < found.partition_cnt; ++i) {
    const int replicas = found.partitions[i].replica_cnt;
    described.replicas = i == 0 ? replicas : std::min(described.replicas, replicas);
  }
  return described;
}

int MinInSync(int replicas) {
  return replicas >= kReplicas ? 2 : 1;
}

absl::Status Create(rd_kafka_t* client, const KafkaLogOptions& options, const std::string& topic,
                    int partitions, KafkaSettings settings, int brokers) {
  const int replicas = options.replicas.value_or(brokers >= kReplicas ? kReplicas : 1);
  char why[kErrorBytes];
  const NewTopic made(rd_kafka_NewTopic_new(topic.c_str(), partitions, replicas, why, sizeof(why)));
  if (made == nullptr) return absl::InvalidArgumentError(why);
  settings["min.insync.replicas"] = absl::StrCat(MinInSync(replicas));
  for (const auto& [name, value] : settings) {
    rd_kafka_NewTopic_set_config(made.get(), name.c_str(), value.c_str());
  }
  rd_kafka_NewTopic_t* topics[] = {made.get()};
  ASSIGN_OR_RETURN(const KafkaEvent event,
                   Ask(client, RD_KAFKA_ADMIN_OP_CREATETOPICS, options.request_timeout,
                       [&](const auto* admin, auto* queue) {
                         rd_kafka_CreateTopics(client, topics, 1, admin, queue);
                       }));
  size_t count = 0;
  const auto* results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  for (size_t i = 0; i < count; ++i) {
    const rd_kafka_resp_err_t error = rd_kafka_topic_result_error(results[i]);
    // Another instance starts at the same time.
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
      continue;
    }
    const char* text = rd_kafka_topic_result_error_string(results[i]);
    return absl::FailedPreconditionError(
        absl::StrCat("Kafka does not make the topic ", topic, ": ", text == nullptr ? "" : text));
  }
  return absl::OkStatus();
}

absl::StatusOr<KafkaSettings> SettingsOf(rd_kafka_t* client, const KafkaLogOptions& options,
                                         const std::string& topic) {
  const Resource asked(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  rd_kafka_ConfigResource_t* resources[] = {asked.get()};
  ASSIGN_OR_RETURN(const KafkaEvent event,
                   Ask(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, options.request_timeout,
                       [&](const auto* admin, auto* queue) {
                         rd_kafka_DescribeConfigs(client, resources, 1, admin, queue);
                       }));
  size_t count = 0;
  const auto* results = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  KafkaSettings settings;
  for (size_t i = 0; i < count; ++i) {
    const rd_kafka_resp_err_t error = rd_kafka_ConfigResource_error(results[i]);
    if (error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
      return NotFound(topic, "not known yet to the broker that was asked how it is set");
    }
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return KafkaError(absl::StrCat("how Kafka's topic ", topic, " is set"), error);
    }
    size_t entries = 0;
    const auto* configs = rd_kafka_ConfigResource_configs(results[i], &entries);
    for (size_t e = 0; e < entries; ++e) {
      const char* value = rd_kafka_ConfigEntry_value(configs[e]);
      settings[rd_kafka_ConfigEntry_name(configs[e])] = value == nullptr ? "" : value;
    }
  }
  return settings;
}

absl::Status Check(const std::string& topic, const KafkaSettings& wanted,
                   const KafkaSettings& settings, int replicas) {
  std::vector<std::string> mends;
  for (const auto& [name, value] : wanted) {
    const auto found = settings.find(name);
    if (found == settings.end() || found->second != value) {
      mends.push_back(absl::StrCat(name, "=", value));
    }
  }
  const auto in_sync = settings.find("min.insync.replicas");
  int present = 0;
  if (in_sync == settings.end() || !absl::SimpleAtoi(in_sync->second, &present) ||
      present < MinInSync(replicas)) {
    mends.push_back(absl::StrCat("min.insync.replicas=", MinInSync(replicas)));
  }
  if (mends.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("Kafka's topic ", topic,
                   " may lose what was acknowledged; set it right: kafka-configs.sh --alter"
                   " --entity-type topics --entity-name ",
                   topic, " --add-config ", absl::StrJoin(mends, ",")));
}

}  // namespace

absl::StatusOr<int> KafkaPartitionCount(rd_kafka_t* client, const KafkaLogOptions& options,
                                        const std::string& topic) {
  ASSIGN_OR_RETURN(const Described described, Describe(client, options, topic));
  if (described.partitions == 0) return NotFound(topic, "not in this log");
  return described.partitions;
}

const KafkaSettings& KafkaLogTopicSettings() {
  static const auto* const settings =
      new KafkaSettings{{"cleanup.policy", "delete"},
                        {"retention.ms", "-1"},
                        {"retention.bytes", "-1"},
                        {"unclean.leader.election.enable", "false"}};
  return *settings;
}

absl::Status EnsureKafkaTopic(rd_kafka_t* client, const KafkaLogOptions& options,
                              const std::string& topic, int partitions,
                              const KafkaSettings& settings) {
  ASSIGN_OR_RETURN(Described described, Describe(client, options, topic));
  if (described.partitions == 0) {
    RETURN_IF_ERROR(Create(client, options, topic, partitions, settings, described.brokers));
  }
  // The broker that answers may hear of a topic later than the one that made it.
  const absl::Time deadline = SteadyNow() + kShownWithin;
  while (described.partitions == 0) {
    absl::SleepFor(kShownPoll);
    ASSIGN_OR_RETURN(described, Describe(client, options, topic));
    if (described.partitions == 0 && SteadyNow() > deadline) {
      return Unavailable(absl::StrCat("Kafka made the topic ", topic, " and does not show it yet"));
    }
  }
  if (described.partitions != partitions) {
    return absl::FailedPreconditionError(
        absl::StrCat(topic, " has ", described.partitions, " partitions, not ", partitions,
                     "; partitions are fixed when a topic is created: start with --partitions ",
                     described.partitions, " or on empty topics"));
  }
  // Nor need the one that is asked for the settings be the one that showed it.
  absl::StatusOr<KafkaSettings> present = SettingsOf(client, options, topic);
  while (absl::IsNotFound(present.status()) && SteadyNow() < deadline) {
    absl::SleepFor(kShownPoll);
    present = SettingsOf(client, options, topic);
  }
  RETURN_IF_ERROR(present.status());
  return Check(topic, settings, *present, described.replicas);
}

}  // namespace rapport
