#include "services/runtime/aggregate/own_request_id.h"

#include <gtest/gtest.h>

namespace rapport {
namespace {

TEST(OwnRequestId, IsTheSameForTheSameCause) {
  const std::string id = OwnRequestId("secret", "timer", "due");
  EXPECT_EQ(id, OwnRequestId("secret", "timer", "due"));
  EXPECT_NE(id, OwnRequestId("secret", "timer", "due later"));
  EXPECT_NE(id, OwnRequestId("another secret", "timer", "due"));
}

TEST(OwnRequestId, SaysWhoSends) {
  const std::string id = OwnRequestId("secret", "timer", "due");
  EXPECT_EQ(id.substr(0, 6), "timer-");
  EXPECT_EQ(id.size(), 6u + 32u);
  EXPECT_NE(OwnRequestId("secret", "process", "due").substr(8), id.substr(6));
}

}  // namespace
}  // namespace rapport
