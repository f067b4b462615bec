// What every log does, whichever keeps the records. On Kafka where RAPPORT_TEST_KAFKA names its
// brokers (tools/kafka).
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/support/log_calls.h"
#include "tests/support/logs.h"
#include "tests/support/wait.h"

namespace rapport {
namespace {

using testing_support::WaitUntil;

std::string ValueOf(const Entry& entry) {
  log::v1::Record record;
  EXPECT_TRUE(record.ParseFromString(entry.bytes));
  return record.value();
}

// Records with these values.
std::vector<std::string> Facts(const std::vector<std::string>& values) {
  std::vector<std::string> records;
  for (const auto& value : values) {
    log::v1::Record record;
    record.set_kind(log::v1::Record::EVENT);
    record.set_claim_id(7);
    record.set_type("test.Fact");
    record.set_value(value);
    records.push_back(record.SerializeAsString());
  }
  return records;
}

// A log of its own, which can be closed and opened again.
class LogTest : public testing::TestWithParam<const char*> {
 protected:
  void Open() {
    log_.reset();
    log_ = kept_.Open();
    ASSERT_NE(log_, nullptr);
  }
  void SetUp() override {
    if (const auto why = kept_.WhyNot()) GTEST_SKIP() << *why;
    Open();
    const absl::Status made = log_->EnsureTopic("t", 3);
    ASSERT_TRUE(made.ok()) << made;
  }

  absl::StatusOr<std::vector<Offset>> Append(int partition,
                                             const std::vector<std::string>& values) {
    return testing_support::Append(*log_, {"t", partition}, Facts(values));
  }
  absl::StatusOr<Epoch> Claim(int partition) {
    return testing_support::Claim(*log_, {"t", partition});
  }
  Offset End(int partition) { return testing_support::End(*log_, {"t", partition}).value(); }
  // "a,b,c" from `from` on, read to the end.
  std::string Contents(int partition, Offset from = 0, size_t limit = 1'000'000) {
    std::string contents;
    while (limit > 0) {
      const auto entries = log_->Read({"t", partition}, from, limit);
      EXPECT_TRUE(entries.ok()) << entries.status();
      if (!entries.ok() || entries->empty()) break;
      for (const auto& entry : *entries) {
        EXPECT_EQ(entry.offset, from);
        absl::StrAppend(&contents, contents.empty() ? "" : ",", ValueOf(entry));
        ++from;
        --limit;
      }
    }
    return contents;
  }

  testing_support::KeptLog kept_{GetParam()};
  std::unique_ptr<EventLog> log_;
};

INSTANTIATE_TEST_SUITE_P(On, LogTest, testing::ValuesIn(testing_support::kLogs),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(LogTest, GivesDenseOffsetsPerPartition) {
  EXPECT_EQ(Append(0, {"a", "b"}).value(), (std::vector<Offset>{0, 1}));
  EXPECT_EQ(Append(1, {"x"}).value(), (std::vector<Offset>{0}));
  EXPECT_EQ(Append(0, {"c"}).value(), (std::vector<Offset>{2}));
  EXPECT_EQ(End(0), 3);
  EXPECT_EQ(End(1), 1);
  EXPECT_EQ(End(2), 0);
  EXPECT_EQ(Contents(0), "a,b,c");
  EXPECT_EQ(Contents(1), "x");
}

TEST_P(LogTest, KeepsAllWhenOpenedAgain) {
  ASSERT_TRUE(Append(2, {"a", "", std::string("\0\xff", 2)}).ok());
  Open();
  EXPECT_EQ(End(2), 3);
  EXPECT_EQ(Contents(2), absl::StrCat("a,,", absl::string_view("\0\xff", 2)));
  EXPECT_EQ(Append(2, {"d"}).value(), (std::vector<Offset>{3}));
}

TEST_P(LogTest, KeepsTopicsApart) {
  ASSERT_TRUE(log_->EnsureTopic("t.reference", 1).ok());
  ASSERT_TRUE(Append(0, {"a"}).ok());
  Open();
  ASSERT_TRUE(log_->EnsureTopic("another", 2).ok());
  ASSERT_TRUE(log_->EnsureTopic("t.reference", 1).ok());
  EXPECT_TRUE(log_->Read({"t.reference", 0}, 0, 10)->empty());
  EXPECT_TRUE(log_->Read({"another", 0}, 0, 10)->empty());
  EXPECT_EQ(Contents(0), "a");
}

TEST_P(LogTest, RefusesATopicOfAnotherSizeAndSaysTheMend) {
  for (const bool reopened : {false, true}) {
    if (reopened) Open();
    EXPECT_TRUE(log_->EnsureTopic("t", 3).ok());
    const absl::Status refused = log_->EnsureTopic("t", 4);
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_TRUE(absl::StrContains(refused.message(), "--partitions 3")) << refused;
  }
}

TEST_P(LogTest, GivesEveryClaimAnIdOfItsOwn) {
  ASSERT_TRUE(Append(0, {"a"}).ok());
  const Epoch first = Claim(0).value();
  const Epoch second = Claim(0).value();
  EXPECT_EQ(first.offset, 1);
  EXPECT_EQ(second.offset, 2);
  EXPECT_NE(first.id, second.id);
  log::v1::Record record;
  ASSERT_TRUE(record.ParseFromString(log_->Read({"t", 0}, 2, 1)->at(0).bytes));
  EXPECT_EQ(record.kind(), log::v1::Record::CLAIM);
  EXPECT_EQ(record.claim_id(), second.id);
}

TEST_P(LogTest, ReadsWithinBounds) {
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

// Also of what others appended, once something of it was read.
TEST_P(LogTest, KnowsWhereItEndedWhenItWasLastRead) {
  ASSERT_TRUE(Append(1, {"a", "b", "c", "d"}).ok());
  EXPECT_EQ(log_->KnownEnd({"t", 1}), 4);
  Open();
  EXPECT_LE(log_->KnownEnd({"t", 1}), 4);
  EXPECT_EQ(Contents(1, 0, 1), "a");
  EXPECT_EQ(log_->KnownEnd({"t", 1}), 4);
  EXPECT_LE(log_->KnownEnd({"t", 2}), 0);
}

TEST_P(LogTest, TellsWatchersOfTheirPartition) {
  std::atomic<bool> grew{false};
  log_->Watch({"t", 0}, [&] { grew = true; });
  EXPECT_EQ(Contents(0), "");
  std::string seen;
  for (const char* name : {"a", "b", "c"}) {
    ASSERT_TRUE(Append(0, {name}).ok());
    // Who reads to the end whenever it is told misses nothing.
    EXPECT_TRUE(WaitUntil([&] {
      if (grew.exchange(false)) seen = Contents(0);
      return absl::EndsWith(seen, name);
    }));
  }
  EXPECT_EQ(seen, "a,b,c");
  std::atomic<bool> other{false};
  log_->Watch({"t", 1}, [&] { other = true; });
  other = false;
  ASSERT_TRUE(Append(0, {"d"}).ok());
  EXPECT_TRUE(WaitUntil([&] { return grew.load(); }));
  EXPECT_FALSE(other);
  log_.reset();
}

// Many appenders on many partitions: every record is where its appender was told, in the
// appender's order, and nothing else is there.
TEST_P(LogTest, CommitsManyAppendersTogether) {
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
        log_->Append({"t", partition}, Facts(records),
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
      ASSERT_EQ(ValueOf(entry->at(0)), record.second);
      EXPECT_GT(record.first, last[partition]);
      last[partition] = record.first;
    }
  }
}

TEST_P(LogTest, AnswersWhatIsInFlightWhenItCloses) {
  std::atomic<int> answered{0};
  for (int i = 0; i < 100; ++i) {
    log_->Append({"t", i % 3}, Facts({"a"}), [&](const auto&) { ++answered; });
  }
  log_.reset();
  EXPECT_EQ(answered, 100);
}

}  // namespace
}  // namespace rapport
