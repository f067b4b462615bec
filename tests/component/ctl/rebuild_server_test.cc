// Projections of a node that serves are built anew beside the live ones: nobody notices, and they
// are the same to the byte.
#include "tools/rapportctl/rebuild_server.h"

#include <atomic>
#include <filesystem>
#include <random>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rapport/accounts/v1/customer.pb.h"
#include "services/accounts/service.h"
#include "services/allinone/node.h"
#include "tests/component/client.h"
#include "tests/component/ctl/random_commands.h"
#include "tests/support/wait.h"
#include "tools/rapportctl/verify.h"

namespace rapport {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kPartitions = 2;

class RebuildServerTest : public testing::Test {
 protected:
  void SetUp() override {
    seed_ = std::random_device{}();
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed_));
    Start();
  }
  void Start() {
    node_ = std::make_unique<Node>(NodeOptions{.data_dir = path_,
                                               .partitions = kPartitions,
                                               .cache_bytes = 32 << 20,
                                               .memtable_bytes = 32 << 20,
                                               .min_free_bytes = 0});
    ASSERT_EQ(node_->Start(), absl::OkStatus());
  }
  // Of all services, each projection's applied records.
  int64_t RebuildAll() {
    int64_t records = 0;
    const auto projections = ListProjections(node_->handler(), {});
    EXPECT_EQ(projections.status(), absl::OkStatus());
    for (const auto& one : *projections) {
      const auto rebuilt = RebuildProjection(node_->handler(), one);
      EXPECT_EQ(rebuilt.status(), absl::OkStatus()) << one.DebugString();
      records += rebuilt.value_or(0);
    }
    return records;
  }
  void ExpectVerified() {
    const auto data = DataFolder::Open(path_);
    ASSERT_EQ(data.status(), absl::OkStatus());
    for (const auto& service : (*data)->services()) {
      for (const auto& report : VerifyService(**data, service)) {
        EXPECT_THAT(report.problems, IsEmpty()) << report.partition.topic;
      }
    }
  }
  std::vector<std::string> AccountsFolders() {
    std::vector<std::string> names;
    for (const auto& one :
         std::filesystem::directory_iterator(ProjectionsPath(path_, accounts::Spec()))) {
      names.push_back(one.path().filename());
    }
    return names;
  }

  uint64_t seed_ = 0;
  testing_support::TempFolder folder_;
  const std::string path_ = folder_.path() + "/data";
  std::unique_ptr<Node> node_;
};

TEST_F(RebuildServerTest, WhatServesIsTheLogAgainWhileCommandsGoOn) {
  EXPECT_GT(RunRandomCommands(node_->handler(), seed_, 2'000).done, 0);
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (uint64_t turn = seed_ + 1; !done; ++turn) RunRandomCommands(node_->handler(), turn, 100);
  });
  int64_t records = 0;
  for (int round = 0; round < 3; ++round) records = RebuildAll();
  done = true;
  writer.join();
  EXPECT_GT(records, 200);
  EXPECT_THAT(AccountsFolders(), SizeIs(kPartitions)) << "what was there before is removed";
  node_->Stop();
  ExpectVerified();
  // Starts upon what was rebuilt.
  Start();
  EXPECT_GT(RunRandomCommands(node_->handler(), seed_, 200).repeated, 0);
  node_->Stop();
  ExpectVerified();
}

// Somebody reads all customers over and over: each answer is whole.
TEST_F(RebuildServerTest, ReadsGoOnWhileItIsSwitched) {
  constexpr int kCustomers = 50;
  const std::string create = absl::StrCat(component::kAccounts, "CreateCustomer");
  for (int i = 0; i < kCustomers; ++i) {
    ASSERT_EQ(component::Call(*node_, create, "customer { display_name: 'C' kind: PERSON }").status,
              absl::OkStatus());
  }
  std::atomic<bool> done{false};
  std::atomic<int> reads{0};
  std::thread reader([&] {
    while (!done) {
      const Reply listed = component::Call(
          *node_, absl::StrCat(component::kAccounts, "ListCustomers"), "page_size: 1000");
      EXPECT_EQ(component::Parsed<accounts::v1::ListCustomersResponse>(listed).customers_size(),
                kCustomers);
      ++reads;
    }
  });
  for (int round = 0; round < 3 || reads < 50; ++round) RebuildAll();
  done = true;
  reader.join();
  node_->Stop();
}

TEST_F(RebuildServerTest, WhatIsNotThereIsRefused) {
  log::v1::Projection none;
  none.set_topic("rapport.accounts");
  none.set_partition(kPartitions);
  EXPECT_EQ(RebuildProjection(node_->handler(), none).status().code(), absl::StatusCode::kNotFound);
}

// As after an upgrade: the tables of another version are of no use, the log is.
TEST_F(RebuildServerTest, AnotherVersionsProjectionsAreBuiltAnewAndThenRemoved) {
  EXPECT_GT(RunRandomCommands(node_->handler(), seed_, 1'000).done, 0);
  node_->Stop();
  const std::string own = ProjectionsPath(path_, accounts::Spec());
  const std::string other = own + "0";
  std::filesystem::rename(own, other);
  Start();
  EXPECT_FALSE(std::filesystem::exists(other));
  EXPECT_GT(RunRandomCommands(node_->handler(), seed_, 200).repeated, 0);
  node_->Stop();
  ExpectVerified();
}

}  // namespace
}  // namespace rapport
