// What a probe hears of a node that stands still.
#include "absl/strings/match.h"
#include "absl/synchronization/notification.h"
#include "tests/component/client.h"

namespace rapport::component {
namespace {

TEST_F(NodeTest, ItIsNotAliveWhereWhatDecidesStandsStill) {
  node_.reset();
  NodeOptions options = Options(kPartitions);
  options.stuck_after = absl::Seconds(1);
  node_ = std::make_unique<Node>(options);
  ASSERT_TRUE(StartAlone(*node_).ok());
  EXPECT_TRUE(testing_support::WaitUntil([&] { return node_->Alive().ok(); }));
  absl::Notification end;
  node_->RunAfter(absl::ZeroDuration(), [&end] { end.WaitForNotification(); });
  EXPECT_TRUE(testing_support::WaitUntil([&] { return !node_->Alive().ok(); }));
  EXPECT_TRUE(absl::StrContains(node_->Alive().message(), "decides and applies has stood still"))
      << node_->Alive();
  CreateCustomer("ada");  // by the other thread: who asks only that is answered
  EXPECT_FALSE(node_->Alive().ok());
  end.Notify();
  EXPECT_TRUE(testing_support::WaitUntil([&] { return node_->Alive().ok(); }));
}

}  // namespace
}  // namespace rapport::component
