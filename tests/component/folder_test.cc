// The data folder of a node: whose it is, and what may be missing in it.
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/runtime/aggregate/topics.h"
#include "services/runtime/store/store.h"
#include "services/sales/service.h"
#include "tests/component/client.h"

namespace rapport::component {
namespace {

using FolderTest = NodeTest;

TEST_F(FolderTest, WithOtherPartitionsIsRefusedWithTheMend) {
  node_.reset();
  Node other(Options(kPartitions + 1));
  const absl::Status refused = other.Start();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(absl::StrContains(refused.message(), absl::StrCat("--partitions ", kPartitions)))
      << refused;
}

TEST_F(FolderTest, WithoutItsSecretIsRefused) {
  node_.reset();
  const std::string secret = folder_.path() + "/data/secret";
  std::filesystem::rename(secret, secret + ".away");
  Node other(Options(kPartitions));
  const absl::Status refused = other.Start();
  EXPECT_EQ(refused.code(), absl::StatusCode::kDataLoss) << refused;
  EXPECT_TRUE(absl::StrContains(refused.message(), "restore it")) << refused;
}

TEST_F(FolderTest, IsOneNodesAlone) {
  Node other(Options(kPartitions));
  EXPECT_TRUE(absl::IsUnavailable(other.Start()));
}

TEST_F(FolderTest, AProjectionThatSomebodyElseHasOpenStopsTheServer) {
  node_.reset();
  const StoreResources resources(1 << 20, 1 << 20);
  const std::string path = ProjectionPath(folder_.path() + "/data", sales::Spec(), 1);
  const auto held = Store::Open(resources, path);
  ASSERT_TRUE(held.ok()) << held.status();
  Node other(Options(kPartitions));
  const absl::Status refused = other.Start();
  EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
  EXPECT_TRUE(absl::StrContains(refused.message(), path)) << refused;
}

TEST_F(FolderTest, IsLeftWhereTheProcessIsToEnd) {
  node_.reset();
  NodeOptions options = Options(kPartitions);
  options.ended = [] { return true; };
  {
    Node other(std::move(options));
    EXPECT_TRUE(absl::IsCancelled(other.Start()));
  }
  Start();
}

TEST_F(FolderTest, AProjectionThatIsLostIsFoldedAgain) {
  CreateCustomer("ada");
  Must(std::string(kService) + "CreateCase",
       "parent: 'customers/ada' case_id: 'c' case { kind: COMPLAINT subject: 'x' }");
  const Reply before = Must(std::string(kService) + "GetCase", "name: 'customers/ada/cases/c'");
  node_.reset();
  std::filesystem::remove_all(folder_.path() + "/data/projections");
  Start();
  EXPECT_EQ(Must(std::string(kService) + "GetCase", "name: 'customers/ada/cases/c'").body,
            before.body);
}

}  // namespace
}  // namespace rapport::component
