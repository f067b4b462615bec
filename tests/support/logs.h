// The logs that behaviour is tested on: the embedded one, and Kafka where the environment names
// brokers (RAPPORT_TEST_KAFKA=host:port,…; `tools/kafka/kafka up` starts some).
#pragma once

#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "services/runtime/log/embedded/embedded_log.h"
#include "services/runtime/log/kafka/kafka_log.h"
#include "tests/support/wait.h"

namespace rapport::testing_support {

inline constexpr const char* kLogs[] = {"embedded", "kafka"};

// Topics of its own for whoever has it: a broker keeps those of all tests.
class TestTopics {
 public:
  static const char* brokers() { return std::getenv("RAPPORT_TEST_KAFKA"); }
  KafkaLogOptions On(const char* brokers) const {
    return {.brokers = brokers, .topic_prefix = prefix_};
  }
  // What a node is to use: Kafka where RAPPORT_TEST_LOG=kafka.
  std::optional<KafkaLogOptions> Kafka() const {
    const char* log = std::getenv("RAPPORT_TEST_LOG");
    if (log == nullptr || std::string(log) != "kafka" || brokers() == nullptr) return std::nullopt;
    return On(brokers());
  }

 private:
  const std::string prefix_ = absl::StrCat("test-", absl::Hex(std::random_device{}()), ".");
};

// One log, empty at first; opened again it has what it had.
class KeptLog {
 public:
  explicit KeptLog(std::string kind) : kind_(std::move(kind)) {}

  // Why it cannot be tested here, if it cannot.
  std::optional<std::string> WhyNot() const {
    if (kind_ != "kafka" || TestTopics::brokers() != nullptr) return std::nullopt;
    return "RAPPORT_TEST_KAFKA names no brokers, so nothing is tested on Kafka";
  }

  std::unique_ptr<EventLog> Open() const {
    auto opened = kind_ == "kafka"
                      ? OpenKafkaLog(topics_.On(TestTopics::brokers()))
                      : OpenEmbeddedLog({.path = folder_.path() + "/log", .min_free_bytes = 0});
    if (!opened.ok()) std::fprintf(stderr, "%s\n", opened.status().ToString().c_str());
    return opened.ok() ? *std::move(opened) : nullptr;
  }

 private:
  const std::string kind_;
  const TempFolder folder_;
  const TestTopics topics_;
};

}  // namespace rapport::testing_support
