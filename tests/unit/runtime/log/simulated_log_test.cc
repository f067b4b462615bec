// What a simulated log may do to a writer, and what it may not.
#include "services/runtime/log/simulated/simulated_log.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace rapport {
namespace {

const TopicPartition kPartition = {"rapport.sales", 0};

class SimulatedLogTest : public testing::TestWithParam<uint64_t> {
 protected:
  using Offsets = absl::StatusOr<std::vector<Offset>>;

  // Sends two records; the answers come one after another.
  void Append(const std::string& name) {
    log_->Append(kPartition, {name + "1", name + "2"},
                 [this, name](Offsets offsets) { answers_.emplace_back(name, offsets); });
  }
  void RunAll() {
    while (simulation_.RunNext()) {
    }
  }
  std::vector<std::string> Landed() {
    std::vector<std::string> landed;
    for (const auto& record : broker_.Records(kPartition)) landed.push_back(record.bytes);
    return landed;
  }

  Simulation simulation_{GetParam()};
  SimulatedLog broker_{&simulation_, {}};
  Host host_{&simulation_};
  std::unique_ptr<EventLog> log_ = broker_.Connect(&host_);
  std::vector<std::pair<std::string, Offsets>> answers_;
};

INSTANTIATE_TEST_SUITE_P(Seeds, SimulatedLogTest, testing::Range<uint64_t>(1, 20));

TEST_P(SimulatedLogTest, SaysWhereRecordsLanded) {
  Append("a");
  RunAll();
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(*answers_[0].second, (std::vector<Offset>{0, 1}));
  EXPECT_EQ(Landed(), (std::vector<std::string>{"a1", "a2"}));
  EXPECT_EQ(log_->Read(kPartition, 1, 10)->at(0).bytes, "a2");
}

TEST_P(SimulatedLogTest, AnswersOnceWhateverHappens) {
  broker_.set_faults({.full = 0.2,
                      .lost = 0.2,
                      .torn = 0.2,
                      .holed = 0.2,
                      .late = 0.2,
                      .twice = 0.2,
                      .parted = 0.5,
                      .unanswered = 0.2,
                      .slow = 0.5,
                      .doubled_answer = 0.5});
  for (int i = 0; i < 50; ++i) Append(absl::StrCat(i, "-"));
  RunAll();
  EXPECT_EQ(answers_.size(), 50U);
  const std::vector<std::string> landed = Landed();
  for (const auto& [name, offsets] : answers_) {
    if (absl::IsResourceExhausted(offsets.status())) {
      EXPECT_EQ(std::count(landed.begin(), landed.end(), name + "1"), 0);
    }
    if (!offsets.ok()) continue;
    EXPECT_LT(offsets->at(0), offsets->at(1));
    EXPECT_EQ(landed[offsets->at(0)], name + "1");
    EXPECT_EQ(landed[offsets->at(1)], name + "2");
  }
}

TEST_P(SimulatedLogTest, LeavesOpenWhatItDoesNotSayInTime) {
  broker_.set_faults({.late = 1});
  Append("a");
  RunAll();
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_TRUE(absl::IsDeadlineExceeded(answers_[0].second.status()));
}

TEST_P(SimulatedLogTest, LandsWhatACrashedWriterSent) {
  Append("a");
  host_.Crash();
  log_.reset();
  RunAll();
  EXPECT_TRUE(answers_.empty()) << "the dead are told nothing";
  EXPECT_EQ(Landed().size(), 2U);
}

TEST_P(SimulatedLogTest, AnswersAPausedWriterWhenItGoesOn) {
  Append("a");
  host_.Pause();
  RunAll();
  EXPECT_TRUE(answers_.empty());
  host_.Resume();
  RunAll();
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_TRUE(answers_[0].second.ok()) << "what came first while it was paused is told first";
}

TEST_P(SimulatedLogTest, TellsWatchersThatItGrew) {
  int grew = 0;
  log_->Watch(kPartition, [&] { ++grew; });
  broker_.Land(kPartition, "of another writer");
  RunAll();
  EXPECT_EQ(grew, 1);
}

TEST_P(SimulatedLogTest, SeesTheEndAfterItWasAsked) {
  absl::StatusOr<Offset> end = absl::UnknownError("never answered");
  broker_.Land(kPartition, "before");
  log_->End(kPartition, [&](absl::StatusOr<Offset> answer) { end = answer; });
  RunAll();
  EXPECT_EQ(*end, 1);
}

}  // namespace
}  // namespace rapport
