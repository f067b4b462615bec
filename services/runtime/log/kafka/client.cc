#include "services/runtime/log/kafka/client.h"

#include <fstream>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/runtime/base/log_line.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

constexpr size_t kErrorBytes = 512;

// Others are fixed by what `own` says of them.
const std::set<absl::string_view> kOurs = {
    "bootstrap.servers",     "metadata.broker.list", "enable.idempotence", "acks",
    "request.required.acks", "transactional.id",     "isolation.level",    "auto.offset.reset",
    "enable.auto.commit",    "partitioner"};

absl::Status Set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
  char why[kErrorBytes];
  if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why, sizeof(why)) == RD_KAFKA_CONF_OK) {
    return absl::OkStatus();
  }
  // librdkafka quotes the value, which may be a password.
  return absl::InvalidArgumentError(
      absl::StrCat("the Kafka setting ", name, " is not known or cannot have this value"));
}

// Lines may name brokers and topics; they hold no records.
void LogLine(const rd_kafka_t*, int severity, const char* facility, const char* text) {
  constexpr int kSyslogError = 3;
  constexpr int kSyslogWarning = 4;
  if (severity > kSyslogWarning) return;
  Log(severity <= kSyslogError ? Level::kError : Level::kWarning, "kafka",
      {{"facility", facility}, {"text", text}});
}

}  // namespace

absl::StatusOr<KafkaSettings> ReadKafkaSettings(const std::string& path) {
  std::ifstream in(path);
  if (!in) return NotFound(path, "the file of Kafka's settings cannot be read");
  KafkaSettings settings;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    const absl::string_view text = absl::StripAsciiWhitespace(line);
    if (text.empty() || text[0] == '#') continue;
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(text, absl::MaxSplits('=', 1));
    // The line itself may be a password.
    if (!absl::StrContains(text, '=') || parts.first.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", number, " is not name=value, as librdkafka names its settings"));
    }
    settings[std::string(absl::StripAsciiWhitespace(parts.first))] =
        std::string(absl::StripAsciiWhitespace(parts.second));
  }
  return settings;
}

absl::StatusOr<KafkaConf> MakeKafkaConf(const KafkaLogOptions& options, const KafkaSettings& own) {
  KafkaConf conf(rd_kafka_conf_new());
  rd_kafka_conf_set_log_cb(conf.get(), LogLine);
  KafkaSettings all = {
      {"bootstrap.servers", options.brokers},
      {"client.id", options.instance},
      {"socket.nagle.disable", "true"},
      // A broker that comes back is found at once, not after the ten seconds of the default.
      {"reconnect.backoff.ms", "50"},
      {"reconnect.backoff.max.ms", "500"},
      {"topic.metadata.refresh.fast.interval.ms", "100"},
      {"allow.auto.create.topics", "false"},
  };
  for (const auto& [name, value] : options.settings) {
    if (kOurs.contains(name) || own.contains(name)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the Kafka setting ", name, " is not free: what Rapport promises rests on it"));
    }
    all[name] = value;
  }
  for (const auto& [name, value] : own) all[name] = value;
  for (const auto& [name, value] : all) RETURN_IF_ERROR(Set(conf.get(), name, value));
  return conf;
}

absl::StatusOr<KafkaClient> OpenKafkaClient(rd_kafka_type_t type, KafkaConf conf) {
  char why[kErrorBytes];
  KafkaClient client(rd_kafka_new(type, conf.get(), why, sizeof(why)));
  if (client == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("librdkafka cannot begin: ", why));
  }
  conf.release();
  return client;
}

absl::Status KafkaError(absl::string_view what, rd_kafka_resp_err_t error) {
  return Unavailable(absl::StrCat(what, ": ", rd_kafka_err2str(error)));
}

}  // namespace rapport
