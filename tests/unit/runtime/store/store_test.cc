#include "services/runtime/store/store.h"

#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/support/damage.h"
#include "tests/support/wait.h"

namespace rapport {
namespace {

using testing_support::FilesIn;
using testing_support::Flip;
using testing_support::TempFolder;
using testing_support::WaitUntil;

constexpr int kKeys = 2'000;

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    store_ = *Store::Open(resources_, path_);
    rocksdb::WriteBatch batch;
    for (int i = 0; i < kKeys; ++i) batch.Put(Key(i), std::string(100, 'v'));
    ASSERT_EQ(store_->Write(&batch), absl::OkStatus());
    ASSERT_EQ(store_->Flush(), absl::OkStatus());
  }
  static std::string Key(int i) { return absl::StrCat("key", 100'000 + i); }
  absl::StatusOr<bool> Get(int i) {
    std::string value;
    return store_->Get(Key(i), &value);
  }
  void FlipData() {
    for (const auto& file : FilesIn(path_, ".sst")) Flip(file, 10, 500);
  }

  TempFolder folder_;
  const std::string path_ = folder_.path() + "/store";
  StoreResources resources_{1 << 20, 1 << 20};
  std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, WhatIsWholeIsNotDamaged) {
  EXPECT_TRUE(*Get(1));
  EXPECT_FALSE(*Get(kKeys));
  EXPECT_FALSE(store_->damaged());
  EXPECT_EQ(store_->replaced(), 0);
}

TEST_F(StoreTest, AGetThatMeetsDamageSaysSo) {
  FlipData();
  EXPECT_TRUE(absl::IsDataLoss(Get(1).status()));
  EXPECT_TRUE(store_->damaged());
}

TEST_F(StoreTest, AWalkThatMeetsDamageSaysSo) {
  FlipData();
  const auto walk = store_->NewIterator();
  walk->SeekToFirst();
  while (walk->Valid()) walk->Next();
  EXPECT_TRUE(absl::IsDataLoss(store_->StatusOf(*walk)));
  EXPECT_TRUE(store_->damaged());
}

TEST_F(StoreTest, AReplacedStoreIsEmptyAndWorks) {
  FlipData();
  ASSERT_FALSE(Get(1).ok());
  ASSERT_EQ(store_->Replace(), absl::OkStatus());
  EXPECT_FALSE(store_->damaged());
  EXPECT_EQ(store_->replaced(), 1);
  EXPECT_FALSE(*Get(1));
  rocksdb::WriteBatch batch;
  batch.Put(Key(1), "new");
  ASSERT_EQ(store_->Write(&batch), absl::OkStatus());
  EXPECT_TRUE(*Get(1));
  EXPECT_FALSE(FilesIn(path_ + ".damaged", ".sst").empty()) << "for whoever asks what happened";
}

TEST_F(StoreTest, ReplacingWaitsForReaders) {
  auto walk = store_->NewIterator();
  walk->SeekToFirst();
  std::atomic<bool> replaced = false;
  std::thread replacing([&] {
    EXPECT_EQ(store_->Replace(), absl::OkStatus());
    replaced = true;
  });
  ASSERT_TRUE(WaitUntil([&] { return absl::IsUnavailable(Get(1).status()); }));
  int walked = 0;
  for (; walk->Valid(); walk->Next()) ++walked;
  EXPECT_EQ(walked, kKeys);
  EXPECT_FALSE(replaced);
  walk.reset();
  replacing.join();
  EXPECT_FALSE(*Get(1));
}

TEST_F(StoreTest, WhatCannotBeOpenedIsReplacedOnlyWhereAsked) {
  store_.reset();
  for (const auto& file : FilesIn(path_, ".sst")) std::filesystem::remove(file);
  EXPECT_TRUE(absl::IsDataLoss(Store::Open(resources_, path_).status()));
  store_ = *Store::OpenOrReplace(resources_, path_);
  EXPECT_EQ(store_->replaced(), 1);
  EXPECT_FALSE(*Get(1));
}

TEST_F(StoreTest, OneThatIsInUseIsNotReplaced) {
  EXPECT_TRUE(absl::IsUnavailable(Store::OpenOrReplace(resources_, path_).status()));
  EXPECT_TRUE(*Get(1));
}

}  // namespace
}  // namespace rapport
