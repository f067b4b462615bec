#include "services/runtime/log/embedded/embedded_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <random>
#include <thread>

#include "absl/strings/match.h"
#include "tests/support/damage.h"
#include "tests/support/wait.h"

namespace rapport {
namespace {

using testing_support::Eventually;
using testing_support::TempFolder;
using testing_support::WaitUntil;

// A log in a folder of its own, which can be closed and opened again.
class EmbeddedLogTest : public testing::Test {
 protected:
  void Open() {
    log_.reset();
    auto opened = OpenEmbeddedLog({.path = folder_.path() + "/log", .min_free_bytes = min_free_});
    ASSERT_TRUE(opened.ok()) << opened.status();
    log_ = *std::move(opened);
  }
  void SetUp() override {
    Open();
    ASSERT_TRUE(log_->EnsureTopic("t", 3).ok());
  }

  absl::StatusOr<std::vector<Offset>> Append(int partition, std::vector<std::string> records) {
    auto answer = std::make_shared<Eventually<absl::StatusOr<std::vector<Offset>>>>();
    log_->Append({"t", partition}, std::move(records),
                 [answer](absl::StatusOr<std::vector<Offset>> offsets) { answer->Set(offsets); });
    return answer->Get();
  }
  absl::StatusOr<Epoch> Claim(int partition) {
    auto answer = std::make_shared<Eventually<absl::StatusOr<Epoch>>>();
    log_->Claim({"t", partition}, [answer](absl::StatusOr<Epoch> epoch) { answer->Set(epoch); });
    return answer->Get();
  }
  Offset End(int partition) {
    auto answer = std::make_shared<Eventually<absl::StatusOr<Offset>>>();
    log_->End({"t", partition}, [answer](absl::StatusOr<Offset> end) { answer->Set(end); });
    return answer->Get().value();
  }
  // "a,b,c" from `from` on.
  std::string Contents(int partition, Offset from = 0, size_t limit = 1'000'000) {
    const auto entries = log_->Read({"t", partition}, from, limit);
    EXPECT_TRUE(entries.ok()) << entries.status();
    std::string contents;
    for (const auto& entry : *entries) {
      EXPECT_EQ(entry.offset, from++);
      absl::StrAppend(&contents, contents.empty() ? "" : ",", entry.bytes);
    }
    return contents;
  }

  // Where the latest appends are.
  std::filesystem::path NewestWal() const {
    const auto wals = testing_support::FilesIn(folder_.path() + "/log", ".log");
    return *std::max_element(wals.begin(), wals.end());
  }

  TempFolder folder_;
  uint64_t min_free_ = 0;
  std::unique_ptr<EventLog> log_;
};

TEST_F(EmbeddedLogTest, GivesDenseOffsetsPerPartition) {
  EXPECT_EQ(Append(0, {"a", "b"}).value(), (std::vector<Offset>{0, 1}));
  EXPECT_EQ(Append(1, {"x"}).value(), (std::vector<Offset>{0}));
  EXPECT_EQ(Append(0, {"c"}).value(), (std::vector<Offset>{2}));
  EXPECT_EQ(End(0), 3);
  EXPECT_EQ(End(1), 1);
  EXPECT_EQ(End(2), 0);
  EXPECT_EQ(Contents(0), "a,b,c");
  EXPECT_EQ(Contents(1), "x");
}

TEST_F(EmbeddedLogTest, KeepsAllWhenOpenedAgain) {
  ASSERT_TRUE(Append(2, {"a", "", std::string("\0\xff", 2)}).ok());
  Open();
  EXPECT_EQ(End(2), 3);
  EXPECT_EQ(Contents(2), absl::StrCat("a,,", absl::string_view("\0\xff", 2)));
  EXPECT_EQ(Append(2, {"d"}).value(), (std::vector<Offset>{3}));
}

TEST_F(EmbeddedLogTest, KeepsTopicsApart) {
  ASSERT_TRUE(log_->EnsureTopic("t.reference", 1).ok());
  ASSERT_TRUE(Append(0, {"a"}).ok());
  Open();
  ASSERT_TRUE(log_->EnsureTopic("another", 2).ok());
  ASSERT_TRUE(log_->EnsureTopic("t.reference", 1).ok());
  EXPECT_TRUE(log_->Read({"t.reference", 0}, 0, 10)->empty());
  EXPECT_TRUE(log_->Read({"another", 0}, 0, 10)->empty());
  EXPECT_EQ(Contents(0), "a");
}

TEST_F(EmbeddedLogTest, RefusesATopicOfAnotherSizeAndSaysTheMend) {
  for (const bool reopened : {false, true}) {
    if (reopened) Open();
    EXPECT_TRUE(log_->EnsureTopic("t", 3).ok());
    const absl::Status refused = log_->EnsureTopic("t", 4);
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_TRUE(absl::StrContains(refused.message(), "--partitions 3")) << refused;
  }
}

TEST_F(EmbeddedLogTest, GivesEveryClaimAnIdOfItsOwn) {
  ASSERT_TRUE(Append(0, {"a"}).ok());
  const Epoch first = Claim(0).value();
  const Epoch second = Claim(0).value();
  EXPECT_EQ(first.offset, 1);
  EXPECT_EQ(second.offset, 2);
  EXPECT_NE(first.id, second.id);
  log::v1::Record record;
  ASSERT_TRUE(record.ParseFromString(Contents(0, 2)));
  EXPECT_EQ(record.kind(), log::v1::Record::CLAIM);
  EXPECT_EQ(record.claim_id(), second.id);
}

TEST_F(EmbeddedLogTest, ReadsWithinBounds) {
  ASSERT_TRUE(Append(0, {"a", "b", "c"}).ok());
  ASSERT_TRUE(Append(1, {"x"}).ok());
  EXPECT_EQ(Contents(0, 1), "b,c");
  EXPECT_EQ(Contents(0, 0, 2), "a,b");
  EXPECT_EQ(Contents(0, 2, 5), "c");
  EXPECT_EQ(Contents(0, 3), "");
  EXPECT_EQ(Contents(0, 1'000), "");
  EXPECT_EQ(Contents(0, 0, 0), "");
  EXPECT_EQ(Contents(2), "");
}

TEST_F(EmbeddedLogTest, TellsWatchersOfTheirPartition) {
  std::atomic<int> grew{0};
  std::atomic<int> other{0};
  log_->Watch({"t", 0}, [&] {
    // What it tells of can be read by now.
    EXPECT_FALSE(log_->Read({"t", 0}, 0, 1)->empty());
    ++grew;
  });
  log_->Watch({"t", 1}, [&] { ++other; });
  ASSERT_TRUE(Append(0, {"a"}).ok());
  EXPECT_TRUE(WaitUntil([&] { return grew == 1; }));
  ASSERT_TRUE(Append(0, {"b"}).ok());
  EXPECT_TRUE(WaitUntil([&] { return grew == 2; }));
  log_.reset();
  EXPECT_EQ(other, 0);
}

// Many appenders on many partitions: every record is where its appender was told, in the
// appender's order, and nothing else is there.
TEST_F(EmbeddedLogTest, CommitsManyAppendersTogether) {
  constexpr int kAppenders = 8;
  constexpr int kAppends = 200;
  std::vector<std::vector<std::pair<int, std::pair<Offset, std::string>>>> told(
      kAppenders, std::vector<std::pair<int, std::pair<Offset, std::string>>>(2 * kAppends));
  std::vector<std::thread> appenders;
  std::atomic<int> pending{0};
  std::mutex mutex;
  for (int appender = 0; appender < kAppenders; ++appender) {
    appenders.emplace_back([&, appender] {
      for (int i = 0; i < kAppends; ++i) {
        const int partition = (appender + i) % 3;
        const std::vector<std::string> records = {absl::StrCat(appender, ":", i, ":first"),
                                                  absl::StrCat(appender, ":", i, ":second")};
        ++pending;
        log_->Append({"t", partition}, records,
                     [&, appender, i, partition, records](absl::StatusOr<std::vector<Offset>> at) {
                       std::lock_guard lock(mutex);
                       ASSERT_TRUE(at.ok() && at->size() == 2) << at.status();
                       for (int r = 0; r < 2; ++r) {
                         told[appender][2 * i + r] = {partition, {(*at)[r], records[r]}};
                       }
                       --pending;
                     });
      }
    });
  }
  for (auto& appender : appenders) appender.join();
  ASSERT_TRUE(WaitUntil([&] { return pending == 0; }));
  Offset all = 0;
  for (int partition = 0; partition < 3; ++partition) all += End(partition);
  EXPECT_EQ(all, 2 * kAppenders * kAppends);
  Open();
  for (int appender = 0; appender < kAppenders; ++appender) {
    Offset last[3] = {-1, -1, -1};
    for (const auto& [partition, record] : told[appender]) {
      const auto entry = log_->Read({"t", partition}, record.first, 1);
      ASSERT_EQ(entry->at(0).bytes, record.second);
      EXPECT_GT(record.first, last[partition]);
      last[partition] = record.first;
    }
  }
}

TEST_F(EmbeddedLogTest, AnswersWhatIsInFlightWhenItCloses) {
  std::atomic<int> answered{0};
  for (int i = 0; i < 100; ++i) {
    log_->Append({"t", i % 3}, {"a"}, [&](const auto&) { ++answered; });
  }
  log_.reset();
  EXPECT_EQ(answered, 100);
}

TEST_F(EmbeddedLogTest, IsLockedByWhoHasItOpen) {
  const auto second = OpenEmbeddedLog({.path = folder_.path() + "/log"});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(absl::StrContains(second.status().message(), "another rapport")) << second.status();
}

TEST_F(EmbeddedLogTest, CanBeReadBesideItsWriter) {
  ASSERT_TRUE(Append(0, {"a", "b"}).ok());
  auto reader = OpenEmbeddedLog({.path = folder_.path() + "/log", .writable = false});
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ((*reader)->Read({"t", 0}, 0, 10)->size(), 2u);
  EXPECT_EQ((*reader)->EnsureTopic("new", 1).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(OpenEmbeddedLog({.path = folder_.path() + "/none", .writable = false}).status().code(),
            absl::StatusCode::kNotFound);
}

// A disk that fills up and is freed: a file that takes most of what the limit leaves.
TEST_F(EmbeddedLogTest, RefusesAppendsWhileTheDiskIsFullAndRecovers) {
  ASSERT_TRUE(Append(0, {"before"}).ok());
  const uint64_t available = std::filesystem::space(folder_.path()).available;
  const uint64_t margin = std::min<uint64_t>(available / 4, uint64_t{4} << 30);
  min_free_ = available - margin;
  Open();
  ASSERT_TRUE(Append(0, {"enough space"}).ok());

  const std::string filler = folder_.path() + "/filler";
  const int file = ::open(filler.c_str(), O_CREAT | O_WRONLY, 0600);
  const bool filled = ::posix_fallocate(file, 0, static_cast<off_t>(2 * margin)) == 0;
  ::close(file);
  if (!filled) GTEST_SKIP() << "this file system cannot reserve space";

  absl::Status refused;
  EXPECT_TRUE(WaitUntil([&] {
    refused = Append(0, {"too much"}).status();
    return !refused.ok();
  }));
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(absl::StrContains(refused.message(), "nothing was written")) << refused;
  const Offset end = End(0);
  EXPECT_EQ(Claim(0).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(End(0), end) << "a refused append wrote something";
  EXPECT_TRUE(absl::StartsWith(Contents(0), "before,enough space")) << "reads go on";

  std::filesystem::remove(filler);
  EXPECT_TRUE(WaitUntil([&] { return Append(0, {"after"}).ok(); }));
  EXPECT_EQ(End(0), end + 1);
}

// A crash cuts the write short that it meets, and nobody was told of that one.
TEST_F(EmbeddedLogTest, ForgetsOnlyTheWriteThatWasCutShort) {
  for (const char* record : {"a", "b", "c"}) ASSERT_TRUE(Append(0, {record}).ok());
  log_.reset();
  const auto wal = NewestWal();
  std::filesystem::resize_file(wal, std::filesystem::file_size(wal) - 3);
  Open();
  EXPECT_EQ(Contents(0), "a,b");
  EXPECT_EQ(Append(0, {"d"}).value(), (std::vector<Offset>{2}));
}

TEST_F(EmbeddedLogTest, DoesNotOpenOverWhatWasDamaged) {
  for (const char record : {'a', 'b', 'c'}) {
    ASSERT_TRUE(Append(0, {std::string(100, record)}).ok());
  }
  log_.reset();
  const auto wal = NewestWal();
  testing_support::Flip(wal, std::filesystem::file_size(wal) / 2, 1'000'000);
  const auto opened = OpenEmbeddedLog({.path = folder_.path() + "/log"});
  EXPECT_TRUE(absl::IsDataLoss(opened.status())) << opened.status();
}

}  // namespace
}  // namespace rapport
