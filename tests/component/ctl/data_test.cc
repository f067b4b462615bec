// rebuild and verify on the data of a node that took random commands of all resources.

#include <cstdio>
#include <filesystem>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rapport/accounts/v1/customer.pb.h"
#include "services/accounts/service.h"
#include "services/allinone/node.h"
#include "services/runtime/aggregate/dump.h"
#include "services/runtime/store/keys.h"
#include "tests/component/ctl/random_commands.h"
#include "tools/rapportctl/rebuild.h"
#include "tools/rapportctl/verify.h"

namespace rapport {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kPartitions = 4;
constexpr int kCommands = 3'000;

class DataTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::random_device random;
    const uint64_t seed = random();
    RecordProperty("seed", std::to_string(seed));
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    std::string path = ::testing::TempDir() + "rapportctl.XXXXXX";
    ASSERT_NE(mkdtemp(path.data()), nullptr);
    path_ = path;
    Node node({.data_dir = path_,
               .partitions = kPartitions,
               .cache_bytes = 32 << 20,
               .memtable_bytes = 32 << 20,
               .min_free_bytes = 0});
    ASSERT_EQ(node.Start(), absl::OkStatus());
    const CommandCounts counts = RunRandomCommands(node.handler(), seed, kCommands);
    EXPECT_GT(counts.done, kCommands / 10);
    EXPECT_GT(counts.repeated, 0);
    EXPECT_GT(counts.refused, 0);
    node.Stop();
  }

  void TearDown() override { std::filesystem::remove_all(path_); }

  std::unique_ptr<DataFolder> Open() {
    auto data = DataFolder::Open(path_);
    EXPECT_EQ(data.status(), absl::OkStatus());
    return *std::move(data);
  }

  // All problems of all partitions.
  Problems Verify() {
    const auto data = Open();
    Problems problems;
    for (const auto& service : data->services()) {
      for (const auto& report : VerifyService(*data, service)) {
        problems.insert(problems.end(), report.problems.begin(), report.problems.end());
      }
    }
    return problems;
  }

  // The customers' projection of one partition, to be damaged.
  std::unique_ptr<Store> OpenAccounts(int partition) {
    return *Store::Open(resources_, ProjectionPath(path_, accounts::Spec(), partition));
  }

  std::string path_;
  StoreResources resources_{32 << 20, 32 << 20};
};

std::vector<Digest> DigestsOf(DataFolder& data) {
  std::vector<Digest> digests;
  for (const auto& service : data.services()) {
    for (const auto& projection : service.projections) {
      const auto store = Store::Open(data.resources(), projection.path, StoreMode::kReadOnly);
      digests.push_back(*DigestOf(**store));
    }
  }
  return digests;
}

// A customer's row that is there, of any partition.
struct CustomerRow {
  int partition = 0;
  std::string name;
};
CustomerRow AnyCustomer(const std::string& path, const StoreResources& resources) {
  for (int partition = 0; partition < kPartitions; ++partition) {
    const auto store = Store::Open(resources, ProjectionPath(path, accounts::Spec(), partition));
    const auto row = (*store)->NewIterator();
    row->Seek("R");
    if (row->Valid() && row->key().starts_with("R")) {
      return {partition, std::string(keys::NameIn(ToView(row->key())))};
    }
  }
  return {};
}

TEST_F(DataTest, ARebuiltProjectionIsTheLiveOne) {
  auto data = Open();
  const std::vector<Digest> before = DigestsOf(*data);
  for (const auto& service : data->services()) {
    const auto rebuilt = RebuildService(*data, service);
    ASSERT_EQ(rebuilt.status(), absl::OkStatus());
    EXPECT_EQ(rebuilt->projections, service.projections.size());
  }
  data = nullptr;
  data = Open();
  EXPECT_EQ(DigestsOf(*data), before);
}

TEST_F(DataTest, ANodeServesWhatWasRebuilt) {
  {
    const auto data = Open();
    for (const auto& service : data->services()) {
      ASSERT_EQ(RebuildService(*data, service).status(), absl::OkStatus());
    }
  }
  Node node({.data_dir = path_, .partitions = kPartitions, .min_free_bytes = 0});
  ASSERT_EQ(node.Start(), absl::OkStatus());
  EXPECT_GT(RunRandomCommands(node.handler(), 1, kCommands / 10).done, 0);
  node.Stop();
  EXPECT_THAT(Verify(), IsEmpty());
}

TEST_F(DataTest, WhatIsWholeVerifies) {
  EXPECT_THAT(Verify(), IsEmpty());
}

TEST_F(DataTest, ADamagedRowIsNamed) {
  const CustomerRow victim = AnyCustomer(path_, resources_);
  {
    const auto store = OpenAccounts(victim.partition);
    const std::string key = keys::Row("customers", victim.name);
    std::string row;
    ASSERT_TRUE(*store->Get(key, &row));
    accounts::v1::Customer customer;
    ASSERT_TRUE(customer.ParseFromString(row));
    customer.set_display_name("Somebody else");
    rocksdb::WriteBatch batch;
    batch.Put(key, SerializeDeterministic(customer));
    ASSERT_EQ(store->Write(&batch), absl::OkStatus());
  }
  EXPECT_THAT(Verify(), Contains(HasSubstr("row " + victim.name)));
}

TEST_F(DataTest, AnIndexEntryWithoutItsRowIsNamed) {
  const CustomerRow victim = AnyCustomer(path_, resources_);
  {
    const auto store = OpenAccounts(victim.partition);
    rocksdb::WriteBatch batch;
    batch.Put(keys::Index("customers", "owner", "users/nobody", victim.name), "");
    ASSERT_EQ(store->Write(&batch), absl::OkStatus());
  }
  EXPECT_THAT(Verify(), Contains(HasSubstr("index customers.owner of " + victim.name +
                                           " points at no such row")));
}

TEST_F(DataTest, AGapInHistoryIsNamed) {
  const CustomerRow victim = AnyCustomer(path_, resources_);
  {
    const auto store = OpenAccounts(victim.partition);
    rocksdb::WriteBatch batch;
    batch.Delete(keys::History(victim.name, 1));
    ASSERT_EQ(store->Write(&batch), absl::OkStatus());
  }
  EXPECT_THAT(Verify(), Contains(HasSubstr(victim.name)));
}

TEST_F(DataTest, AGapInTheLogIsFound) {
  {
    rocksdb::DB* opened = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, path_ + "/log", &opened).ok());
    const std::unique_ptr<rocksdb::DB> log(opened);
    std::unique_ptr<rocksdb::Iterator> record(log->NewIterator({}));
    // The second record of the first partition: not its end, which nothing tells from a shorter
    // log.
    record->Seek("R");
    record->Next();
    ASSERT_TRUE(record->Valid());
    ASSERT_TRUE(log->Delete({}, record->key()).ok());
  }
  EXPECT_THAT(Verify(), Contains(HasSubstr("has no record at offset 1")));
}

TEST_F(DataTest, ARunningServerIsToldOf) {
  const auto data = Open();
  const auto second = DataFolder::Open(path_);
  EXPECT_TRUE(absl::IsUnavailable(second.status()));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("stop the server"));
}

TEST(DataFolder, WithoutALogIsRefused) {
  EXPECT_TRUE(absl::IsNotFound(DataFolder::Open(::testing::TempDir() + "nothing-here").status()));
}

}  // namespace
}  // namespace rapport
