#include "services/runtime/base/round.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rapport {
namespace {

using testing::ElementsAre;

TEST(Round, WithoutOneATaskRunsAtOnce) {
  bool ran = false;
  Round::PutOff([&] { ran = true; });
  EXPECT_TRUE(ran);
}

TEST(Round, RunsWhatWasPutOffAtItsEndInOrder) {
  std::vector<int> order;
  {
    Round round;
    Round::PutOff([&] { order.push_back(2); });
    Round::PutOff([&] { order.push_back(3); });
    order.push_back(1);
  }
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(Round, WhatRunsMayPutOffMore) {
  std::vector<int> order;
  {
    Round round;
    Round::PutOff([&] {
      Round::PutOff([&] { order.push_back(3); });
      order.push_back(1);
    });
    Round::PutOff([&] { order.push_back(2); });
  }
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(Round, ARoundWithinARoundIsPartOfIt) {
  std::vector<int> order;
  {
    Round outer;
    {
      Round inner;
      Round::PutOff([&] { order.push_back(2); });
    }
    order.push_back(1);
  }
  EXPECT_THAT(order, ElementsAre(1, 2));
}

}  // namespace
}  // namespace rapport
