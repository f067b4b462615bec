// Calls that find the owner of what they are about, whichever instance is asked first.
#include "tests/unit/runtime/routing/instances.h"

namespace rapport {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(RouterTest, WhoOwnsAnswersWithoutARoute) {
  Own(a_, 7);
  EXPECT_EQ(Send(a_, kCreate, kInteraction)->by(), "a");
}

TEST_F(RouterTest, AWriteGoesToItsOwner) {
  Own(b_, 7);
  for (Instance* from : {&a_, &gateway_}) {
    from->routes.Learn(kPartition, At(7, b_));
    EXPECT_EQ(Send(*from, kCreate, kInteraction)->by(), "b");
  }
}

TEST_F(RouterTest, AStaleRouteIsCorrectedByWhoKnowsBetter) {
  Own(c_, 9);
  gateway_.routes.Learn(kPartition, At(5, a_));
  a_.routes.Learn(kPartition, At(7, b_));
  b_.routes.Learn(kPartition, At(9, c_));
  EXPECT_EQ(Send(gateway_, kCreate, kInteraction)->by(), "c");
  EXPECT_EQ(gateway_.routes.Find(kPartition)->address, "c") << "and remembered";
}

TEST_F(RouterTest, ThereAreTwoRedirectsAtMost) {
  Instance d("d", &all_, &spec_, &clock_);
  Own(d, 11);
  gateway_.routes.Learn(kPartition, At(5, a_));
  a_.routes.Learn(kPartition, At(7, b_));
  b_.routes.Learn(kPartition, At(9, c_));
  c_.routes.Learn(kPartition, At(11, d));
  const auto answer = Send(gateway_, kCreate, kInteraction);
  EXPECT_TRUE(absl::IsUnavailable(answer->reply.status)) << answer->reply.status;
  EXPECT_TRUE(d.request_ids.empty());
  all_.erase("d");
}

TEST_F(RouterTest, ACallWaitsUntilTheNewOwnerIsHeardOf) {
  gateway_.routes.Learn(kPartition, At(5, a_));  // which was deposed
  const auto first = Send(gateway_, kCreate, kInteraction);
  const auto second = Send(gateway_, kCreate, kInteraction);
  EXPECT_FALSE(first->given || second->given);
  Own(b_, 9);
  gateway_.routes.Learn(kPartition, At(5, a_));  // nothing new
  EXPECT_FALSE(first->given);
  gateway_.routes.Learn(kPartition, At(9, b_));
  EXPECT_EQ(first->by(), "b");
  EXPECT_EQ(second->by(), "b");
}

TEST_F(RouterTest, ACallDoesNotWaitForEver) {
  const auto nobody = Send(gateway_, kCreate, kInteraction);
  EXPECT_FALSE(nobody->given);
  Wait();
  EXPECT_TRUE(absl::IsUnavailable(nobody->reply.status));
  EXPECT_THAT(nobody->reply.status.message(), HasSubstr("rapport.service/0"));

  const auto late = Send(gateway_, kCreate, kInteraction);
  gateway_.routes.Stop();
  EXPECT_TRUE(absl::IsUnavailable(late->reply.status)) << "who stops waits for nobody";
}

// It was the owner, lost the partition and has it again: its own route is not asked by a detour.
TEST_F(RouterTest, WhoHasThePartitionAgainAnswersWhatWaited) {
  Own(a_, 5);
  a_.owner = false;
  const auto answer = Send(a_, kCreate, kInteraction);
  EXPECT_FALSE(answer->given);
  Own(a_, 9);
  EXPECT_EQ(answer->by(), "a");
}

TEST_F(RouterTest, ACallIsPassedOnOnce) {
  b_.routes.Learn(kPartition, At(9, c_));
  const auto answer = Send(b_, kCreate, kInteraction, {.routed = true});
  EXPECT_TRUE(absl::IsUnavailable(answer->reply.status));
  EXPECT_TRUE(c_.request_ids.empty());
}

TEST_F(RouterTest, TheSameRequestIdGoesToEveryOwner) {
  gateway_.routes.Learn(kPartition, At(5, a_));
  a_.routes.Learn(kPartition, At(7, b_));
  Own(b_, 7);
  EXPECT_EQ(Send(gateway_, kCreate, kInteraction)->by(), "b");
  EXPECT_THAT(b_.request_ids, ElementsAre(testing::SizeIs(26))) << "made before the first try";
  Send(gateway_, kCreate, std::string(kInteraction) + " request_id: 'mine'");
  EXPECT_EQ(b_.request_ids.back(), "mine");
}

TEST_F(RouterTest, AReadIsAnsweredHereOrByAnyone) {
  Own(b_, 7);
  const std::string list = "parent: 'customers/ada'";
  EXPECT_EQ(Send(a_, "ListInteractions", list)->by(), "a");
  gateway_.routes.Learn(kPartition, At(7, b_));
  EXPECT_EQ(Send(gateway_, "ListInteractions", list)->by(), "b");
  EXPECT_EQ(Send(gateway_, "ListInteractions", "parent: 'customers/-'")->by(), "b");
}

TEST_F(RouterTest, AReadAsksAnotherWhereOneIsSilent) {
  const TopicPartition other{TopicOf("service"), 1};
  gateway_.routes.Learn(kPartition, At(7, a_));
  gateway_.routes.Learn(other, At(7, b_));
  a_.silent = true;
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(Send(gateway_, "ListInteractions", "parent: 'customers/ada'")->by(), "b");
  }
}

TEST_F(RouterTest, AStrongReadGoesToTheOwner) {
  Own(b_, 7);
  a_.routes.Learn(kPartition, At(7, b_));
  EXPECT_EQ(Send(a_, "ListInteractions", "parent: 'customers/ada'", {.read = "strong"})->by(), "b");
}

TEST_F(RouterTest, WhatIsAnsweredHereIsNoRoute) {
  Own(a_, 7);
  EXPECT_EQ(Send(a_, kCreate, kInteraction)->by(), "a");
  EXPECT_THAT(a_.routed, Is({}));
}

TEST_F(RouterTest, RedirectsAreCountedOnBothSides) {
  Own(c_, 9);
  gateway_.routes.Learn(kPartition, At(5, a_));
  a_.routes.Learn(kPartition, At(9, c_));
  EXPECT_EQ(Send(gateway_, kCreate, kInteraction)->by(), "c");
  EXPECT_THAT(gateway_.routed, Is({.passed_on = 2, .not_owner_received = 1}));
  EXPECT_THAT(a_.routed, Is({.not_owner_given = 1}));
  EXPECT_THAT(c_.routed, Is({}));
}

TEST_F(RouterTest, WaitingAndGivingUpAreCounted) {
  const auto first = Send(gateway_, kCreate, kInteraction);
  EXPECT_THAT(gateway_.routed, Is({.waited = 1}));
  Own(b_, 9);
  gateway_.routes.Learn(kPartition, At(9, b_));
  EXPECT_EQ(first->by(), "b");
  EXPECT_THAT(gateway_.routed, Is({.passed_on = 1, .waited = 1}));

  b_.owner = false;  // and nobody says who is
  const auto second = Send(gateway_, kCreate, kInteraction);
  EXPECT_FALSE(second->given);
  Wait();
  EXPECT_TRUE(absl::IsUnavailable(second->reply.status));
  EXPECT_THAT(gateway_.routed,
              Is({.passed_on = 2, .not_owner_received = 1, .waited = 2, .gave_up = 1}));
}

TEST_F(RouterTest, OneRedirectTooManyIsGivingUp) {
  gateway_.routes.Learn(kPartition, At(5, a_));
  a_.routes.Learn(kPartition, At(7, b_));
  b_.routes.Learn(kPartition, At(9, c_));
  c_.routes.Learn(kPartition, At(11, a_));
  EXPECT_TRUE(absl::IsUnavailable(Send(gateway_, kCreate, kInteraction)->reply.status));
  EXPECT_THAT(gateway_.routed, Is({.passed_on = 3, .not_owner_received = 3, .gave_up = 1}));
}

TEST_F(RouterTest, WhatIsWrongWithARequestIsSaidByTheService) {
  EXPECT_EQ(Send(a_, kCreate, "parent: 'nonsense'")->by(), "a");
}

}  // namespace
}  // namespace rapport
