// A log that moves to Kafka and back, with a node that goes on there. Where RAPPORT_TEST_KAFKA
// names brokers.
#include <filesystem>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/allinone/node.h"
#include "services/runtime/aggregate/dump.h"
#include "services/runtime/log/embedded/embedded_log.h"
#include "tests/component/ctl/random_commands.h"
#include "tests/support/logs.h"
#include "tools/rapportctl/log_copy.h"
#include "tools/rapportctl/rebuild.h"
#include "tools/rapportctl/verify.h"

namespace rapport {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing_support::TempFolder;
using testing_support::TestTopics;

constexpr int kPartitions = 2;
constexpr int kCommands = 600;

class CopyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (TestTopics::brokers() == nullptr) {
      GTEST_SKIP() << "RAPPORT_TEST_KAFKA names no brokers, so no log is copied to Kafka";
    }
    kafka_ = topics_.On(TestTopics::brokers());
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed_));
  }

  // A node that takes random commands, on Kafka or in its folder.
  void Run(const std::string& path, std::optional<KafkaLogOptions> kafka, uint64_t seed) {
    Node node({.data_dir = path,
               .partitions = kPartitions,
               .cache_bytes = 32 << 20,
               .memtable_bytes = 32 << 20,
               .min_free_bytes = 0,
               .kafka = std::move(kafka)});
    ASSERT_EQ(node.Start(), absl::OkStatus());
    ASSERT_EQ(node.Join(""), absl::OkStatus());
    EXPECT_GT(RunRandomCommands(node.handler(), seed, kCommands).done, kCommands / 10);
    node.Stop();
  }
  static std::unique_ptr<EventLog> Embedded(const std::string& path) {
    std::filesystem::create_directories(path);
    auto log = OpenEmbeddedLog({.path = path + "/log", .min_free_bytes = 0});
    EXPECT_EQ(log.status(), absl::OkStatus());
    return *std::move(log);
  }
  std::unique_ptr<EventLog> Kafka() const {
    auto log = OpenKafkaLog(kafka_);
    EXPECT_EQ(log.status(), absl::OkStatus());
    return *std::move(log);
  }

  // What the projections say, which must be what the log says.
  static std::vector<Digest> Verified(const std::string& path,
                                      const std::optional<KafkaLogOptions>& kafka) {
    std::vector<Digest> digests;
    auto data = DataFolder::Open(path, kafka);
    EXPECT_EQ(data.status(), absl::OkStatus());
    for (const auto& service : (*data)->services()) {
      for (const auto& report : VerifyService(**data, service)) {
        EXPECT_THAT(report.problems, IsEmpty()) << report.partition.topic;
        digests.push_back({.bytes = report.digest, .entries = report.entries});
      }
    }
    return digests;
  }

  const uint64_t seed_ = std::random_device{}();
  const TempFolder folder_;
  const std::string here_ = folder_.path() + "/here";
  const std::string back_ = folder_.path() + "/back";
  TestTopics topics_;
  KafkaLogOptions kafka_;
};

TEST_F(CopyTest, MovesToKafkaAndBack) {
  Run(here_, std::nullopt, seed_);
  int64_t records = 0;
  {
    const auto from = Embedded(here_);
    const auto to = Kafka();
    const auto copied = CopyLog(*from, *to);
    ASSERT_EQ(copied.status(), absl::OkStatus());
    records = copied->copied;
    EXPECT_GT(records, kCommands / 10);
    EXPECT_EQ(copied->compared, records);
    const auto again = CopyLog(*from, *to);
    ASSERT_EQ(again.status(), absl::OkStatus());
    EXPECT_EQ(again->copied, 0) << "what is there stays";
    EXPECT_EQ(again->compared, records) << "and is compared";
  }
  // The projections of before go on upon the copy.
  Run(here_, kafka_, seed_ + 1);
  const std::vector<Digest> on_kafka = Verified(here_, kafka_);
  const auto behind = CopyLog(*Kafka(), *Embedded(here_));
  ASSERT_EQ(behind.status(), absl::OkStatus()) << "it only lacks what came later";
  EXPECT_GT(behind->copied, 0);

  const auto back = CopyLog(*Kafka(), *Embedded(back_));
  ASSERT_EQ(back.status(), absl::OkStatus());
  EXPECT_GT(back->copied, records);
  {
    const auto data = DataFolder::Open(back_);
    ASSERT_EQ(data.status(), absl::OkStatus());
    for (const auto& service : (*data)->services()) {
      ASSERT_EQ(RebuildService(**data, service).status(), absl::OkStatus());
    }
  }
  EXPECT_EQ(Verified(back_, std::nullopt), on_kafka) << "made anew from the log that came back";
}

TEST_F(CopyTest, OtherTargetsAreRefused) {
  Run(here_, std::nullopt, seed_);
  Run(back_, std::nullopt, seed_ + 1);
  {
    const auto copied = CopyLog(*Embedded(here_), *Kafka());
    ASSERT_EQ(copied.status(), absl::OkStatus());
  }
  const auto other = CopyLog(*Embedded(back_), *Kafka());
  EXPECT_EQ(other.status().code(), absl::StatusCode::kFailedPrecondition) << other.status();
  EXPECT_THAT(std::string(other.status().message()), HasSubstr("no copy of this log"));

  const auto to = Embedded(folder_.path() + "/wide");
  ASSERT_EQ(to->EnsureTopic("rapport.accounts", kPartitions + 1), absl::OkStatus());
  const auto wide = CopyLog(*Embedded(here_), *to);
  EXPECT_EQ(wide.status().code(), absl::StatusCode::kFailedPrecondition) << wide.status();
}

}  // namespace
}  // namespace rapport
