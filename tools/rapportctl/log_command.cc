// rapportctl log copy --data DIR --kafka BROKERS --to kafka|data
// rapportctl topics create --kafka BROKERS --partitions 32
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "services/allinone/kafka_flags.h"
#include "services/allinone/node.h"
#include "services/runtime/aggregate/topics.h"
#include "services/runtime/base/status.h"
#include "services/runtime/log/embedded/embedded_log.h"
#include "services/runtime/store/folder_lock.h"
#include "tools/rapportctl/command.h"
#include "tools/rapportctl/log_copy.h"

namespace rapport {
namespace {

struct Flags {
  std::string data;
  std::string to;
  KafkaFlags kafka;
  int partitions = 32;
};

absl::Status Copy(const Flags& flags) {
  ASSIGN_OR_RETURN(const std::optional<KafkaLogOptions> kafka, ToOptions(flags.kafka));
  const bool to_kafka = flags.to == "kafka";
  const std::string path = flags.data + "/log";
  if (to_kafka && !std::filesystem::exists(path)) {
    return NotFound(path, "there is no log to copy; name the folder of rapport serve --data");
  }
  std::error_code error;
  std::filesystem::create_directories(flags.data, error);
  ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::Take(flags.data));
  ASSIGN_OR_RETURN(const auto embedded, OpenEmbeddedLog({.path = path}));
  ASSIGN_OR_RETURN(const auto remote, OpenKafkaLog(*kafka));
  EventLog& from = to_kafka ? *embedded : *remote;
  EventLog& to = to_kafka ? *remote : *embedded;
  ASSIGN_OR_RETURN(const CopyFigures figures, CopyLog(from, to, [](const TopicPartition& done) {
                     std::printf("%s/%d\n", done.topic.c_str(), done.partition);
                     std::fflush(stdout);
                   }));
  std::printf("%lld records copied, %lld compared: the same at every offset\n",
              static_cast<long long>(figures.copied), static_cast<long long>(figures.compared));
  return absl::OkStatus();
}

absl::Status CreateTopics(const Flags& flags) {
  ASSIGN_OR_RETURN(const std::optional<KafkaLogOptions> kafka, ToOptions(flags.kafka));
  ASSIGN_OR_RETURN(const auto log, OpenKafkaLog(*kafka));
  for (const ServiceSpec& spec : AllServices()) {
    RETURN_IF_ERROR(log->EnsureTopic(TopicOf(spec.name), flags.partitions));
    std::printf("%s%s %d\n", kafka->topic_prefix.c_str(), TopicOf(spec.name).c_str(),
                flags.partitions);
    if (!HasReferenceData(spec)) continue;
    RETURN_IF_ERROR(log->EnsureTopic(ReferenceTopicOf(spec.name), 1));
    std::printf("%s%s 1\n", kafka->topic_prefix.c_str(), ReferenceTopicOf(spec.name).c_str());
  }
  return absl::OkStatus();
}

}  // namespace

void AddLogCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<Flags>();
  CLI::App* log = app.add_subcommand("log", "Works with the log itself; the servers are stopped");
  log->require_subcommand(1);
  CLI::App* copy = log->add_subcommand(
      "copy",
      "Copy the log from a data folder to Kafka or back, record for record; what an earlier "
      "run copied stays");
  copy->add_option("--data", flags->data, "The data folder")->required();
  copy->add_option("--to", flags->to, "kafka or data: which of the two is the target")
      ->required()
      ->check(CLI::IsMember({"kafka", "data"}));
  AddKafkaFlags(*copy, &flags->kafka);
  copy->get_option("--kafka")->required();
  copy->callback([flags, exit_code] { *exit_code = Conclude(Copy(*flags)); });
}

void AddTopicsCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<Flags>();
  CLI::App* topics = app.add_subcommand("topics", "Works with Kafka's topics");
  topics->require_subcommand(1);
  CLI::App* create = topics->add_subcommand(
      "create", "Make the topics of all services where they are missing, and check the others");
  create->add_option("--partitions", flags->partitions, "Of each topic; fixed for ever")
      ->check(CLI::Range(1, 1'024))
      ->capture_default_str();
  AddKafkaFlags(*create, &flags->kafka);
  create->get_option("--kafka")->required();
  create->callback([flags, exit_code] { *exit_code = Conclude(CreateTopics(*flags)); });
}

}  // namespace rapport
