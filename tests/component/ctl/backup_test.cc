// Backups of a node that is being written to.
#include <atomic>
#include <filesystem>
#include <random>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/allinone/node.h"
#include "tests/component/ctl/random_commands.h"
#include "tests/support/wait.h"
#include "tools/rapportctl/verify.h"

namespace rapport {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kPartitions = 2;
constexpr int kKept = 3;

NodeOptions OptionsOf(const std::string& path) {
  return {.data_dir = path,
          .partitions = kPartitions,
          .cache_bytes = 32 << 20,
          .memtable_bytes = 32 << 20,
          .min_free_bytes = 0};
}

std::vector<std::string> BackupsIn(const std::string& folder) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    found.push_back(entry.path());
  }
  return found;
}

TEST(Backups, AreDataFoldersOfTheirMoment) {
  const uint64_t seed = std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  const testing_support::TempFolder folder;
  const std::string backups = folder.path() + "/backups";
  NodeOptions options = OptionsOf(folder.path() + "/data");
  options.backups = {.folder = backups, .every = absl::Milliseconds(1), .keep = kKept};
  {
    Node node(options);
    ASSERT_EQ(node.Start(), absl::OkStatus());
    std::atomic<bool> done{false};
    std::thread writer([&] {
      for (uint64_t turn = seed; !done; ++turn) RunRandomCommands(node.handler(), turn, 100);
    });
    EXPECT_TRUE(testing_support::WaitUntil(
        [&] { return std::filesystem::exists(backups) && BackupsIn(backups).size() > kKept; }));
    done = true;
    writer.join();
    node.Stop();
  }
  const std::vector<std::string> kept = BackupsIn(backups);
  ASSERT_THAT(kept, SizeIs(kKept)) << "older ones are removed, and none is left unfinished";
  for (const std::string& backup : kept) {
    int64_t records = 0;
    {
      const auto data = DataFolder::Open(backup);
      ASSERT_EQ(data.status(), absl::OkStatus());
      for (const auto& service : (*data)->services()) {
        for (const auto& report : VerifyService(**data, service)) {
          EXPECT_THAT(report.problems, IsEmpty()) << report.partition.topic;
          records += report.log.records;
        }
      }
    }
    EXPECT_GT(records, 0);
    Node restored(OptionsOf(backup));
    ASSERT_EQ(restored.Start(), absl::OkStatus());
    EXPECT_GT(RunRandomCommands(restored.handler(), seed, 100).repeated +
                  RunRandomCommands(restored.handler(), seed + 1, 100).done,
              0);
    restored.Stop();
  }
}

TEST(Backups, AFolderThatCannotBeMadeStopsNothing) {
  const testing_support::TempFolder folder;
  NodeOptions options = OptionsOf(folder.path() + "/data");
  options.backups = {.folder = "/proc/none", .every = absl::Milliseconds(1)};
  Node node(options);
  ASSERT_EQ(node.Start(), absl::OkStatus());
  EXPECT_GT(RunRandomCommands(node.handler(), 1, 200).done, 0);
  node.Stop();
}

}  // namespace
}  // namespace rapport
