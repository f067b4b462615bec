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
#include "tests/support/log_calls.h"
#include "tests/support/wait.h"

namespace rapport {
namespace {

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
    return testing_support::Append(*log_, {"t", partition}, std::move(records));
  }
  absl::StatusOr<Epoch> Claim(int partition) {
    return testing_support::Claim(*log_, {"t", partition});
  }
  Offset End(int partition) { return testing_support::End(*log_, {"t", partition}).value(); }
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
