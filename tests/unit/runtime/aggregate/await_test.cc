#include "services/runtime/aggregate/await.h"

#include <gtest/gtest.h>

#include "absl/time/clock.h"

namespace rapport {
namespace {

constexpr absl::Duration kPatience = absl::Milliseconds(30);

const auto kNever = [] { return absl::UnavailableError("no owner"); };
const auto kStill = [] { return int64_t{7}; };

TEST(AwaitHealth, WhatIsThereIsNotWaitedFor) {
  EXPECT_EQ(AwaitHealth({.what = "sales",
                         .health = [] { return absl::OkStatus(); },
                         .moved = kStill,
                         .ended = [] { return true; }}),
            absl::OkStatus());
}

TEST(AwaitHealth, WhereNothingMovesItSaysWhatItWaitedFor) {
  const absl::Status waited =
      AwaitHealth({.what = "sales", .health = kNever, .moved = kStill, .patience = kPatience});
  EXPECT_EQ(waited.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(waited.message(), "sales does not serve, and nothing moved for 30ms: no owner");
}

// A log that takes ten times as long as anybody would wait for a standstill.
TEST(AwaitHealth, AsLongAsSomethingMovesItGoesOn) {
  const absl::Time there = absl::Now() + 10 * kPatience;
  int64_t records = 0;
  EXPECT_EQ(
      AwaitHealth({.what = "sales",
                   .health = [&] { return absl::Now() < there ? kNever() : absl::OkStatus(); },
                   .moved = [&] { return ++records; },
                   .patience = kPatience}),
      absl::OkStatus());
  EXPECT_GT(records, 1);
}

TEST(AwaitHealth, WhoeverIsToEndDoesNotGoOn) {
  int asked = 0;
  EXPECT_EQ(AwaitHealth({.what = "sales",
                         .health = kNever,
                         .moved = kStill,
                         .ended = [&] { return ++asked > 3; },
                         .patience = absl::InfiniteDuration()})
                .code(),
            absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace rapport
