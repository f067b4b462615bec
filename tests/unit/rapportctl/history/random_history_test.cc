// Histories of a store that keeps its word are clean; with one thing changed they are not.
#include "tests/unit/rapportctl/history/random_history.h"

#include <cstdlib>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rapport::history {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Matcher;

constexpr int kHistories = 200;
// Not every history has a place for every damage.
constexpr int kLeastDamaged = kHistories * 9 / 10;

class RandomHistory : public ::testing::Test {
 protected:
  // RAPPORT_SEED repeats a run.
  void SetUp() override {
    const char* chosen = std::getenv("RAPPORT_SEED");
    seed_ = chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : std::random_device{}();
    RecordProperty("seed", std::to_string(seed_));
    std::printf("RAPPORT_SEED=%llu\n", static_cast<unsigned long long>(seed_));
  }

  void ExpectFault(const Damage& damage, const Matcher<const std::string&>& fault) {
    int damaged = 0;
    for (int i = 0; i < kHistories; ++i) {
      Random random(seed_ + i);
      Made made = MakeHistory(random);
      if (!damage(random, made)) continue;
      ++damaged;
      ASSERT_THAT(FaultsOf(made.operations), Contains(fault)) << "history " << i << "\n"
                                                              << ToNdjson(made.operations);
    }
    EXPECT_GE(damaged, kLeastDamaged);
  }

  uint64_t seed_ = 0;
};

TEST_F(RandomHistory, IsCleanAndHoldsEverything) {
  std::array<std::array<int64_t, kOutcomes>, kKinds> seen{};
  for (int i = 0; i < kHistories; ++i) {
    Random random(seed_ + i);
    const Made made = MakeHistory(random);
    const Verdict verdict = VerdictOn(made.operations);
    ASSERT_TRUE(verdict.clean()) << verdict.examples[0].what << "\n" << ToNdjson(made.operations);
    for (int kind = 0; kind < kKinds; ++kind) {
      for (int outcome = 0; outcome < kOutcomes; ++outcome) {
        seen[kind][outcome] += verdict.operations[kind][outcome];
      }
    }
  }
  for (const auto& outcomes : seen) EXPECT_GT(outcomes[static_cast<int>(Outcome::kOk)], kHistories);
  EXPECT_GT(seen[static_cast<int>(Kind::kAppend)][static_cast<int>(Outcome::kFailed)], kHistories);
  EXPECT_GT(seen[static_cast<int>(Kind::kAppend)][static_cast<int>(Outcome::kUnknown)], kHistories);
}

const auto kMissing = AnyOf("lost", "stale-strong", "stale-under-token", "non-monotonic");

TEST_F(RandomHistory, ADroppedTokenIsMissed) {
  ExpectFault(Drop, kMissing);
}

TEST_F(RandomHistory, ADoubledTokenIsSeen) {
  ExpectFault(Duplicate, "doubled");
}

TEST_F(RandomHistory, SwappedTokensAreSeen) {
  ExpectFault(Swap, "reordered");
}

TEST_F(RandomHistory, SwappedEverywhereTheyContradictTheClock) {
  ExpectFault(SwapForAll, "reordered");
}

TEST_F(RandomHistory, ATornAppendIsSeen) {
  ExpectFault(Tear, "torn");
}

TEST_F(RandomHistory, AnInventedTokenIsSeen) {
  ExpectFault(Invent, "torn");
}

TEST_F(RandomHistory, AStaleReadIsSeen) {
  ExpectFault(MakeStale, kMissing);
}

}  // namespace
}  // namespace rapport::history
