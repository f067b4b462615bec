// What a shard tells of its batches and of who owns its partition.
#include <gmock/gmock.h>

#include "tests/unit/runtime/aggregate/shard_harness.h"

namespace rapport {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing_support::WaitUntil;
using Fate = FakeLog::Fate;

service::v1::CreateCaseRequest Open(const std::string& id) {
  service::v1::CreateCaseRequest request;
  request.set_parent("customers/ada");
  request.set_case_id(id);
  request.mutable_case_()->set_subject("It squeaks");
  request.set_request_id("open-" + id);
  return request;
}

log::v1::Record OfNobody() {
  log::v1::Record record;
  record.set_kind(log::v1::Record::EVENT);
  record.set_claim_id(1'000);
  record.set_number(1);
  return record;
}

class ShardFigures : public testing::Test {
 protected:
  FakeLog log_;
  ManualClock clock_{absl::FromUnixSeconds(1'767'225'600)};
  ShardHarness shard_{service::Spec(), &log_, &clock_};
};

TEST_F(ShardFigures, AStartIsOneClaimAndOneWait) {
  shard_.Serve();
  shard_.Settle();
  const auto figures = shard_.figures();
  EXPECT_EQ(figures.claims, 1);
  EXPECT_THAT(figures.serve_seconds, ElementsAre(testing::Gt(0)));
  EXPECT_THAT(figures.recoveries, IsEmpty());
}

TEST_F(ShardFigures, ABatchIsToldOnceItIsAnswered) {
  ASSERT_TRUE(shard_.Call(Open("a")).status.ok());
  ASSERT_TRUE(WaitUntil([&] { return !shard_.figures().batches.empty(); }));
  const BatchFigures batch = shard_.figures().batches.at(0);
  EXPECT_EQ(batch.commands, 1);
  EXPECT_EQ(batch.records, 1);
  EXPECT_GT(batch.append_seconds, 0);
  EXPECT_GT(batch.apply_seconds, 0);
  EXPECT_GE(batch.acknowledge_seconds, batch.append_seconds + batch.apply_seconds);
}

TEST_F(ShardFigures, AnUnknownOutcomeIsARecoveryAndAClaim) {
  shard_.Serve();
  log_.ScriptAppends({Fate::kLost});
  EXPECT_TRUE(absl::IsUnavailable(shard_.Call(Open("a")).status));
  shard_.Serve();
  shard_.Settle();
  const auto figures = shard_.figures();
  EXPECT_EQ(figures.claims, 2);
  EXPECT_THAT(figures.recoveries, ElementsAre(Pair(RecoveryReason::kUnavailable, 1)));
  EXPECT_THAT(figures.serve_seconds, SizeIs(2));
}

// However often it fails before: it waits since it served last.
TEST_F(ShardFigures, ClaimsThatTheLogDidNotTakeAreOneWait) {
  shard_.Serve();
  log_.ScriptAppends({Fate::kLost});
  log_.ScriptClaims({Fate::kLost, Fate::kLost});
  EXPECT_TRUE(absl::IsUnavailable(shard_.Call(Open("a")).status));
  shard_.Serve();
  shard_.Settle();
  const auto figures = shard_.figures();
  EXPECT_EQ(figures.claims, 2) << "nobody knows of the others";
  EXPECT_THAT(figures.recoveries, ElementsAre(Pair(RecoveryReason::kUnavailable, 3)));
  EXPECT_THAT(figures.serve_seconds, SizeIs(2));
}

TEST_F(ShardFigures, ANewerClaimDeposes) {
  ASSERT_TRUE(shard_.Call(Open("a")).status.ok());
  log_.ForeignClaim(shard_.partition());
  EXPECT_TRUE(absl::IsUnavailable(shard_.Call(Open("b")).status));
  shard_.Serve();
  EXPECT_THAT(shard_.figures().recoveries, ElementsAre(Pair(RecoveryReason::kDeposed, 1)));
  // Where nothing was to be written, the log's end tells.
  log_.ForeignClaim(shard_.partition());
  EXPECT_TRUE(absl::IsUnavailable(shard_.Call(Open("a")).status));
  EXPECT_THAT(shard_.figures().recoveries, ElementsAre(Pair(RecoveryReason::kDeposed, 2)));
}

TEST_F(ShardFigures, VoidRecordsAreCountedOnceWhoeverReadsThem) {
  ASSERT_TRUE(shard_.Call(Open("a")).status.ok());
  log_.ForeignWrite(shard_.partition(), OfNobody());
  // Between its own records.
  ASSERT_TRUE(shard_.Call(Open("b")).status.ok());
  EXPECT_EQ(shard_.figures().void_records, 1);
  // By replay, up to the next claim.
  log_.ForeignWrite(shard_.partition(), OfNobody());
  log_.ForeignWrite(shard_.partition(), OfNobody());
  log_.ScriptAppends({Fate::kLost});
  EXPECT_TRUE(absl::IsUnavailable(shard_.Call(Open("c")).status));
  ASSERT_TRUE(shard_.Call(Open("c")).status.ok());
  EXPECT_EQ(shard_.figures().void_records, 3);
}

TEST(SharedShardFigures, AFollowerTellsHowFarItIsBehind) {
  FakeLog log;
  ManualClock clock{absl::FromUnixSeconds(1'767'225'600)};
  ShardHarness owner{service::Spec(), &log, &clock};
  ShardHarness follower{service::Spec(), &log, &clock, std::nullopt, {}, true};
  owner.Serve();
  const auto lag = [&] { return follower.shard().known_end() - follower.shard().applied(); };
  ASSERT_TRUE(WaitUntil(
      [&] { return follower.shard().state() == Shard::State::kFollowing && lag() == 0; }));
  log.FailReads(true);
  ASSERT_TRUE(owner.Call(Open("a")).status.ok());
  ASSERT_TRUE(owner.Call(Open("b")).status.ok());
  EXPECT_EQ(lag(), 2);
  log.FailReads(false);
  ASSERT_TRUE(WaitUntil([&] {
    clock.Advance(absl::Milliseconds(50));
    follower.shard().Tick();
    return lag() == 0;
  }));

  // It waits since it is wanted, not since it runs.
  EXPECT_THAT(follower.figures().serve_seconds, IsEmpty());
  EXPECT_EQ(follower.figures().claims, 0);
  follower.shard().SetWanted(true);
  follower.Serve();
  follower.Settle();
  EXPECT_EQ(follower.figures().claims, 1);
  EXPECT_THAT(follower.figures().serve_seconds, SizeIs(1));
  // Whoever loses the partition waits once more, if it is still wanted.
  log.ForeignClaim(follower.partition());
  follower.Settle();
  follower.Serve();
  follower.Settle();
  EXPECT_THAT(follower.figures().serve_seconds, SizeIs(2));
  log.ForgetWatchers();
}

TEST(RecoveryReasons, AreOfTheStatus) {
  EXPECT_EQ(RecoveryReasonOf(Deposed("by another")), RecoveryReason::kDeposed);
  EXPECT_EQ(RecoveryReasonOf(Unavailable("gone")), RecoveryReason::kUnavailable);
  EXPECT_EQ(RecoveryReasonOf(Overloaded("full")), RecoveryReason::kUnavailable);
  EXPECT_EQ(RecoveryReasonOf(absl::DeadlineExceededError("silent")), RecoveryReason::kUnavailable);
  EXPECT_EQ(RecoveryReasonOf(absl::DataLossError("torn")), RecoveryReason::kDamaged);
  EXPECT_EQ(RecoveryReasonOf(absl::InternalError("odd")), RecoveryReason::kInternal);
  EXPECT_STREQ(kRecoveryReasons[static_cast<size_t>(RecoveryReason::kInternal)], "internal");
}

}  // namespace
}  // namespace rapport
