// Covers against the plainest map there is.
#include "tools/rapportctl/history/covers.h"

#include <map>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace rapport::history {
namespace {

constexpr int kSteps = 5'000;
constexpr uint32_t kKeys = 200;

TEST(Covers, HoldWhatMapsHold) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  Covers covers;
  std::vector<Covers::Cover> made = {Covers::kNothing};
  std::vector<std::map<uint32_t, uint32_t>> maps(1);
  for (int step = 0; step < kSteps; ++step) {
    const size_t a = random() % made.size();
    const size_t b = random() % made.size();
    auto map = maps[a];
    if (random() % 4 == 0) {
      for (const auto& [key, reach] : maps[b]) map[key] = std::max(map[key], reach);
      made.push_back(covers.Joined(made[a], made[b]));
    } else {
      // Keys that differ in high bits only, too.
      const auto key = static_cast<uint32_t>(random() % kKeys << random() % 24);
      const auto reach = static_cast<uint32_t>(1 + random() % 50);
      map[key] = std::max(map[key], reach);
      made.push_back(covers.Raised(made[a], key, {.reach = reach, .source = reach + 7}));
    }
    maps.push_back(std::move(map));
  }
  for (size_t i = 0; i < made.size(); ++i) {
    for (const auto& [key, reach] : maps[i]) {
      ASSERT_EQ(covers.Of(made[i], key).reach, reach);
      ASSERT_EQ(covers.Of(made[i], key).source, reach + 7);
    }
    for (uint32_t key = 0; key < kKeys; ++key) {
      ASSERT_EQ(covers.Of(made[i], key).reach, maps[i].contains(key) ? maps[i][key] : 0);
    }
  }
}

TEST(Covers, WhatIsCoveredAlreadyMakesNothingNew) {
  Covers covers;
  const auto one = covers.Raised(Covers::kNothing, 1, {.reach = 5, .source = 1});
  const auto two = covers.Raised(one, 2, {.reach = 5, .source = 2});
  const size_t before = covers.size();
  EXPECT_EQ(covers.Raised(two, 1, {.reach = 5, .source = 9}), two);
  EXPECT_EQ(covers.Joined(two, one), two);
  EXPECT_EQ(covers.Joined(one, two), two);
  EXPECT_EQ(covers.size(), before);
}

// Else processes that tell each other all they know would cost more and more.
TEST(Covers, WhatWasMadeApartBecomesOne) {
  Covers covers;
  Covers::Cover a = Covers::kNothing;
  Covers::Cover b = Covers::kNothing;
  for (uint32_t key = 0; key < kKeys; ++key) {
    a = covers.Raised(a, key, {.reach = 1, .source = 1});
    b = covers.Raised(b, key, {.reach = 1, .source = 2});
  }
  EXPECT_EQ(covers.Joined(a, b), covers.Joined(b, a));
}

}  // namespace
}  // namespace rapport::history
