#include "services/runtime/base/clock.h"

#include <gtest/gtest.h>

namespace rapport {
namespace {

TEST(ManualClock, StandsStillUntilTold) {
  const absl::Time start = absl::FromUnixSeconds(1'700'000'000);
  ManualClock clock(start);
  EXPECT_EQ(clock.Now(), start);
  clock.Advance(absl::Minutes(2));
  EXPECT_EQ(clock.Now(), start + absl::Minutes(2));
  clock.Set(start);
  EXPECT_EQ(clock.Now(), start);
}

}  // namespace
}  // namespace rapport
