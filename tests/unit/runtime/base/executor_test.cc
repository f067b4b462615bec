#include "services/runtime/base/executor.h"

#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"
#include "tests/support/wait.h"

namespace rapport {
namespace {

TEST(Executor, WithoutThreadsLeavesTasksToTheCaller) {
  Executor executor(0);
  std::vector<int> ran;
  executor.Submit([&] {
    ran.push_back(1);
    executor.Submit([&] { ran.push_back(3); });
  });
  executor.Submit([&] { ran.push_back(2); });
  EXPECT_TRUE(ran.empty());
  while (executor.RunOne()) {
  }
  EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
  EXPECT_FALSE(executor.RunOne());
}

TEST(Executor, RunsWhatWasSubmittedBeforeItEnds) {
  std::atomic<int> ran{0};
  {
    Executor executor(2);
    for (int i = 0; i < 100; ++i) executor.Submit([&] { ++ran; });
  }
  EXPECT_EQ(ran, 100);
}

TEST(Executor, SaysForHowLongATaskHasBeenRunning) {
  absl::Notification begun, end, ended;
  Executor executor(2);
  EXPECT_EQ(executor.longest(), absl::ZeroDuration());
  executor.Submit([&] {
    begun.Notify();
    end.WaitForNotification();
  });
  begun.WaitForNotification();
  const absl::Duration before = executor.longest();
  EXPECT_TRUE(testing_support::WaitUntil([&] { return executor.longest() > before; }));
  executor.Submit([&] { ended.Notify(); });  // the other thread goes on
  ended.WaitForNotification();
  EXPECT_GT(executor.longest(), before);
  end.Notify();
  EXPECT_TRUE(
      testing_support::WaitUntil([&] { return executor.longest() == absl::ZeroDuration(); }));
}

TEST(Executor, ForEachReturnsWhenAllHaveReturned) {
  std::vector<int> calls(100);
  ForEach(calls.size(), 3, [&](size_t i) { ++calls[i]; });
  EXPECT_EQ(calls, std::vector<int>(100, 1));
  ForEach(0, 3, [](size_t) { FAIL() << "there is nothing to do"; });
}

}  // namespace
}  // namespace rapport
