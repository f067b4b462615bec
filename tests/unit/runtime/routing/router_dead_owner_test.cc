// Calls whose owner is frozen, out of reach or dead when they get there.
#include "tests/unit/runtime/routing/instances.h"

namespace rapport {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;

// Whom a hypervisor has stopped: its calls would otherwise wait until their deadline.
TEST_F(RouterTest, ACallLeavesAFrozenOwnerWhenAnotherHasThePartition) {
  gateway_.routes.Learn(kPartition, At(5, a_));
  a_.frozen = true;
  const auto write = Send(gateway_, kCreate, std::string(kInteraction) + " request_id: 'mine'");
  const auto read =
      Send(gateway_, "GetInteraction", "name: 'customers/ada/interactions/i'", {.read = "strong"});
  EXPECT_FALSE(write->given || read->given);
  Own(b_, 9);
  gateway_.routes.Learn(kPartition, At(9, b_));
  EXPECT_EQ(write->by(), "b");
  EXPECT_EQ(read->by(), "b");
  EXPECT_THAT(b_.request_ids, ElementsAre("mine"));
  for (auto& call : a_.ice.calls) Finish(std::move(call), Reply{.body = "too late"});
  EXPECT_EQ(write->by(), "b") << "and was answered once";
}

TEST_F(RouterTest, WhoThawsInTimeIsHeard) {
  gateway_.routes.Learn(kPartition, At(5, a_));
  a_.frozen = true;
  const auto answer = Send(gateway_, kCreate, kInteraction);
  Finish(std::move(a_.ice.calls.front()), Reply{.body = "a"});
  EXPECT_EQ(answer->by(), "a");
  Own(b_, 9);
  gateway_.routes.Learn(kPartition, At(9, b_));
  EXPECT_TRUE(b_.request_ids.empty());
}

TEST_F(RouterTest, ACallMovesTwiceAtMost) {
  a_.frozen = b_.frozen = c_.frozen = true;
  gateway_.routes.Learn(kPartition, At(5, a_));
  const auto answer = Send(gateway_, kCreate, kInteraction);
  gateway_.routes.Learn(kPartition, At(7, b_));
  gateway_.routes.Learn(kPartition, At(9, c_));
  gateway_.routes.Learn(kPartition, At(11, a_));
  EXPECT_EQ(a_.ice.calls.size(), 1u);
  EXPECT_EQ(c_.ice.calls.size(), 1u);
  EXPECT_FALSE(answer->given);
  Finish(std::move(c_.ice.calls.front()), Reply{.body = "c"});
  EXPECT_EQ(answer->by(), "c");
}

TEST_F(RouterTest, WhoClaimsAnewGoesOnWithWhatItWasAsked) {
  a_.frozen = b_.frozen = true;
  gateway_.routes.Learn(kPartition, At(5, a_));
  const auto answer = Send(gateway_, kCreate, kInteraction);
  gateway_.routes.Learn(kPartition, At(7, a_));
  EXPECT_EQ(a_.ice.calls.size(), 1u);
  gateway_.routes.Learn(kPartition, At(9, b_));
  EXPECT_EQ(b_.ice.calls.size(), 1u);
  EXPECT_FALSE(answer->given);
}

// It was asked here by a detour, and comes home.
TEST_F(RouterTest, ACallUnderWayComesToWhoTakesThePartitionOver) {
  a_.routes.Learn(kPartition, At(5, b_));
  b_.frozen = true;
  const auto answer = Send(a_, kCreate, kInteraction);
  Own(a_, 9);
  EXPECT_EQ(answer->by(), "a");
}

TEST_F(RouterTest, ACallWhoseOwnerDiedGoesToTheNextOne) {
  gateway_.routes.Learn(kPartition, At(5, a_));
  a_.silent = true;
  const auto write = Send(gateway_, kCreate, std::string(kInteraction) + " request_id: 'mine'");
  const auto read =
      Send(gateway_, "GetInteraction", "name: 'customers/ada/interactions/i'", {.read = "strong"});
  EXPECT_FALSE(write->given || read->given);
  Own(b_, 9);
  gateway_.routes.Learn(kPartition, At(9, b_));
  EXPECT_EQ(write->by(), "b");
  EXPECT_EQ(read->by(), "b");
  EXPECT_THAT(b_.request_ids, ElementsAre("mine"));
  EXPECT_THAT(gateway_.routed, Is({.passed_on = 4, .waited = 2}));
}

TEST_F(RouterTest, AnOwnerThatWasOutOfReachIsAskedAgain) {
  Own(a_, 5);
  gateway_.routes.Learn(kPartition, At(5, a_));
  a_.silent = true;
  const auto answer = Send(gateway_, kCreate, std::string(kInteraction) + " request_id: 'mine'");
  Wait(kAskAgainLast);
  EXPECT_FALSE(answer->given);
  a_.silent = false;
  Wait(kAskAgainLast);
  EXPECT_EQ(answer->by(), "a");
  EXPECT_THAT(a_.request_ids, ElementsAre("mine"));
}

TEST_F(RouterTest, WhereNobodyTakesOverTheCallerHearsWhatHappened) {
  gateway_.routes.Learn(kPartition, At(5, a_));
  a_.silent = true;
  const auto patient = Send(gateway_, kCreate, kInteraction);
  const auto hasty = Send(gateway_, kCreate, kInteraction,
                          {.deadline = clock_.Steady() + kAskAgainLast + absl::Milliseconds(1)});
  for (absl::Duration waited; waited < kTakeOverWait && !patient->given; waited += kAskAgainLast) {
    EXPECT_EQ(hasty->given, waited >= kAskAgainLast) << "before its deadline";
    Wait(kAskAgainLast);
  }
  for (const auto& answer : {patient, hasty}) {
    EXPECT_TRUE(absl::IsUnavailable(answer->reply.status));
    EXPECT_THAT(answer->reply.status.message(), HasSubstr("no connection"));
  }
  EXPECT_THAT(gateway_.routed, Field("gave_up", &RouteFigures::gave_up, 2));
}

TEST_F(RouterTest, WhatTheOwnerItselfRefusesIsTheCallersToRepeat) {
  gateway_.routes.Learn(kPartition, At(5, a_));
  a_.frozen = true;
  const auto answer = Send(gateway_, kCreate, kInteraction);
  Finish(std::move(a_.ice.calls.front()), Unavailable("Kafka does not answer"));
  EXPECT_THAT(answer->reply.status.message(), HasSubstr("Kafka does not answer"));
  EXPECT_THAT(gateway_.routed, Is({.passed_on = 1}));
}

TEST_F(RouterTest, SoManyCallsWaitForATakeOverAtMost) {
  gateway_.routes.Learn(kPartition, At(5, a_));
  a_.silent = true;
  std::vector<std::shared_ptr<Answer>> waiting;
  for (int i = 0; i < kMaxAwaitTakeOver; ++i) {
    waiting.push_back(Send(gateway_, kCreate, kInteraction));
    ASSERT_FALSE(waiting.back()->given);
  }
  const auto refused = Send(gateway_, kCreate, kInteraction);
  EXPECT_THAT(refused->reply.status.message(), HasSubstr("no connection"));
  Own(b_, 9);
  gateway_.routes.Learn(kPartition, At(9, b_));
  for (const auto& one : waiting) EXPECT_EQ(one->by(), "b");
  b_.owner = false;
  b_.silent = true;
  const auto next = Send(gateway_, kCreate, kInteraction);
  EXPECT_FALSE(next->given) << "there is room again";
  gateway_.routes.Stop();
  EXPECT_TRUE(next->given);
}

TEST_F(RouterTest, WhoStopsWaitsForNoTakeOver) {
  gateway_.routes.Learn(kPartition, At(5, a_));
  a_.silent = true;
  const auto waiting = Send(gateway_, kCreate, kInteraction);
  gateway_.routes.Stop();
  EXPECT_TRUE(absl::IsUnavailable(waiting->reply.status));
  EXPECT_TRUE(absl::IsUnavailable(Send(gateway_, kCreate, kInteraction)->reply.status));
}

}  // namespace
}  // namespace rapport
