// One owner of a partition and what its log may do to it.
#include "services/runtime/aggregate/shard.h"
#include "services/runtime/base/round.h"

#include "tests/support/reason.h"
#include "tests/unit/runtime/aggregate/shard_harness.h"

namespace rapport {
namespace {

using log::v1::Record;
using service::v1::Case;
using testing_support::Eventually;
using testing_support::ReasonOf;
using testing_support::WaitUntil;
using Fate = FakeLog::Fate;

const char kTopic[] = "rapport.service";

service::v1::CreateCaseRequest Open(const std::string& id, const std::string& request_id = "") {
  service::v1::CreateCaseRequest request;
  request.set_parent("customers/ada");
  request.set_case_id(id);
  request.mutable_case_()->set_kind(Case::COMPLAINT);
  request.mutable_case_()->set_subject("It squeaks");
  request.set_request_id(request_id);
  return request;
}
service::v1::AssignCaseRequest Assign(const std::string& to, const std::string& request_id = "") {
  service::v1::AssignCaseRequest request;
  request.set_name("customers/ada/cases/a");
  request.set_assignee(to);
  request.set_request_id(request_id);
  return request;
}
service::v1::CloseCaseRequest Close(const std::string& id) {
  service::v1::CloseCaseRequest request;
  request.set_name("customers/ada/cases/" + id);
  return request;
}

class ShardTest : public testing::Test {
 protected:
  void SetUp() override { shard_.Serve(); }
  void TearDown() override {
    shard_.Stop();
    EXPECT_EQ(ShardHarness::Dump(shard_.store()), shard_.Rebuilt())
        << "the live projection is not what its log says";
  }

  int Count(Record::Kind kind) {
    int count = 0;
    for (const auto& record : log_.Valid(shard_.partition())) count += record.kind() == kind;
    return count;
  }
  int Events() { return Count(Record::EVENT); }
  int Claims() { return Count(Record::CLAIM); }

  FakeLog log_;
  ManualClock clock_{absl::FromUnixSeconds(1'767'225'600)};
  ShardHarness shard_{service::Spec(), &log_, &clock_};
};

TEST_F(ShardTest, AcknowledgesOnlyWhatIsInTheLog) {
  log_.HoldAppends(kTopic);
  const PendingReply reply = shard_.Send(Open("a"));
  ASSERT_TRUE(WaitUntil([&] { return log_.held() == 1; }));
  EXPECT_FALSE(reply->IsSet());
  std::string row;
  EXPECT_FALSE(*shard_.store().Get(keys::Row("cases", "customers/ada/cases/a"), &row))
      << "what is not durable can be read";
  log_.Release();
  EXPECT_EQ(Parsed<Case>(reply->Get()).name(), "customers/ada/cases/a");
  EXPECT_EQ(Events(), 1);
}

// --- unknown outcomes

TEST_F(ShardTest, AnswersTheRepeatOfAnUnknownOutcomeThatWasWritten) {
  log_.ScriptAppends({Fate::kWrittenButUnknown});
  EXPECT_TRUE(absl::IsUnavailable(shard_.Call(Open("", "r1")).status));
  const Reply repeat = shard_.CallUntilKnown(Open("", "r1"));
  EXPECT_TRUE(repeat.repeat);
  EXPECT_EQ(Parsed<Case>(repeat).etag(), "\"1\"");
  EXPECT_EQ(Events(), 1);
  EXPECT_EQ(shard_.CallUntilKnown(Open("", "r1")).body, repeat.body);
}

TEST_F(ShardTest, DoesTheRepeatOfAnUnknownOutcomeThatWasLost) {
  log_.ScriptAppends({Fate::kLost});
  EXPECT_TRUE(absl::IsUnavailable(shard_.Call(Open("", "r1")).status));
  EXPECT_EQ(Events(), 0);
  EXPECT_FALSE(shard_.CallUntilKnown(Open("", "r1")).repeat);
  EXPECT_EQ(Events(), 1);
}

TEST_F(ShardTest, IgnoresALostRecordThatLandsAfterItsRepeat) {
  log_.ScriptAppends({Fate::kLate});
  EXPECT_TRUE(absl::IsUnavailable(shard_.Call(Open("", "r1")).status));
  const std::string name = Parsed<Case>(shard_.CallUntilKnown(Open("", "r1"))).name();
  log_.LandLate();
  EXPECT_EQ(Parsed<Case>(shard_.CallUntilKnown(Open("", "r1"))).name(), name);
  EXPECT_TRUE(shard_.CallUntilKnown(Open("b", "r2")).status.ok());
  EXPECT_EQ(Events(), 2);
}

TEST_F(ShardTest, ClaimsAnewAfterAnUnknownOutcome) {
  const int claims = Claims();
  log_.ScriptAppends({Fate::kLost});
  shard_.Call(Open("a"));
  shard_.CallUntilKnown(Open("a"));
  EXPECT_EQ(Claims(), claims + 1) << "an epoch was used again after an unknown outcome";
}

TEST_F(ShardTest, OutlivesClaimsOfUnknownOutcome) {
  log_.ScriptAppends({Fate::kLost});
  log_.ScriptClaims({Fate::kWrittenButUnknown, Fate::kLost, Fate::kFull, Fate::kLate});
  shard_.Call(Open("a", "r1"));
  EXPECT_TRUE(shard_.CallUntilKnown(Open("a", "r1")).status.ok());
  log_.LandLate();  // its own old claim deposes it
  EXPECT_TRUE(shard_.CallUntilKnown(Open("b", "r2")).status.ok());
  EXPECT_EQ(Events(), 2);
}

TEST_F(ShardTest, AnswersWhatQueuedBehindAnUnknownOutcome) {
  log_.HoldAppends(kTopic);
  log_.ScriptAppends({Fate::kLost});
  std::vector<PendingReply> replies = {shard_.Send(Open("a"))};
  ASSERT_TRUE(WaitUntil([&] { return log_.held() == 1; }));
  for (int i = 0; i < 5; ++i) replies.push_back(shard_.Send(Open(absl::StrCat("b", i))));
  log_.Release();
  for (const auto& reply : replies) EXPECT_TRUE(absl::IsUnavailable(reply->Get().status));
  EXPECT_EQ(Events(), 0);
}

TEST_F(ShardTest, GoesOnUnderItsEpochWhereTheLogWasFull) {
  ASSERT_TRUE(shard_.Call(Open("a")).status.ok());
  log_.ScriptAppends({Fate::kFull, Fate::kFull});
  EXPECT_TRUE(absl::IsResourceExhausted(shard_.Call(Open("b", "r1")).status));
  EXPECT_TRUE(absl::IsResourceExhausted(shard_.Call(Open("b", "r1")).status));
  EXPECT_FALSE(shard_.Call(Open("b", "r1")).repeat);
  EXPECT_EQ(Claims(), 1);
  EXPECT_EQ(Events(), 2);
}

// --- other owners

TEST_F(ShardTest, DoesNotAcknowledgeWhatLandsBehindANewerClaim) {
  log_.HoldAppends(kTopic);
  const PendingReply reply = shard_.Send(Open("a", "r1"));
  ASSERT_TRUE(WaitUntil([&] { return log_.held() == 1; }));
  log_.ForeignClaim(shard_.partition());
  log_.Release();
  EXPECT_TRUE(absl::IsUnavailable(reply->Get().status));
  EXPECT_EQ(Events(), 0);
  EXPECT_FALSE(shard_.CallUntilKnown(Open("a", "r1")).repeat);
  EXPECT_EQ(Events(), 1);
}

TEST_F(ShardTest, SeesWhatAnotherOwnerWrote) {
  ASSERT_TRUE(shard_.Call(Open("a")).status.ok());
  Record record = log_.Valid(shard_.partition()).back();
  const Epoch epoch = log_.ForeignClaim(shard_.partition());
  service::v1::CaseEvent assigned;
  assigned.mutable_assigned()->set_assignee("users/other");
  record.set_claim_id(epoch.id);
  record.set_claim_offset(epoch.offset);
  record.set_number(1);
  record.set_sequence(2);
  record.set_request_id("of the other owner");
  record.set_value(assigned.SerializeAsString());
  log_.ForeignWrite(shard_.partition(), record);
  // Upon its stale state this would be a change; upon the log's it is none.
  EXPECT_TRUE(absl::IsUnavailable(shard_.Call(Assign("users/other", "r1")).status));
  EXPECT_EQ(Parsed<Case>(shard_.CallUntilKnown(Assign("users/other", "r1"))).etag(), "\"2\"");
  EXPECT_EQ(Events(), 2);
}

TEST_F(ShardTest, StepsOverVoidRecords) {
  ASSERT_TRUE(shard_.Call(Open("a")).status.ok());
  Record stale;
  stale.set_kind(Record::EVENT);
  stale.set_claim_id(1'000);
  stale.set_claim_offset(0);
  stale.set_number(1);
  log_.ForeignWrite(shard_.partition(), stale);
  EXPECT_TRUE(shard_.Call(Open("b")).status.ok());
  EXPECT_EQ(Claims(), 1) << "a void record costs nobody the partition";
}

TEST_F(ShardTest, RefusesOnlyOnceTheLogWasSeenToEnd) {
  ASSERT_TRUE(shard_.Call(Open("a")).status.ok());
  log_.HoldEnds(kTopic);
  const PendingReply refusal = shard_.Send(Close("a"));
  ASSERT_TRUE(WaitUntil([&] { return log_.held() == 1; }));
  EXPECT_FALSE(refusal->IsSet());
  log_.Release();
  EXPECT_EQ(ReasonOf(refusal->Get().status), "CASE_NOT_RESOLVED");
}

TEST_F(ShardTest, DoesNotRefuseOnceItIsDeposed) {
  ASSERT_TRUE(shard_.Call(Open("a", "r1")).status.ok());
  log_.ForeignClaim(shard_.partition());
  EXPECT_TRUE(absl::IsUnavailable(shard_.Call(Close("a")).status));
  EXPECT_EQ(ReasonOf(shard_.CallUntilKnown(Close("a")).status), "CASE_NOT_RESOLVED");
}

TEST_F(ShardTest, DoesNotAnswerARepeatOnceItIsDeposed) {
  ASSERT_TRUE(shard_.Call(Open("a", "r1")).status.ok());
  log_.ForeignClaim(shard_.partition());
  EXPECT_TRUE(absl::IsUnavailable(shard_.Call(Open("a", "r1")).status));
  EXPECT_TRUE(shard_.CallUntilKnown(Open("a", "r1")).repeat);
}

TEST_F(ShardTest, ABarrierPassesOnlyTheOwner) {
  ASSERT_TRUE(shard_.Call(Open("a")).status.ok());
  const auto barrier = [this] {
    auto passed = std::make_shared<testing_support::Eventually<absl::Status>>();
    shard_.shard().Barrier(absl::InfiniteFuture(),
                           [passed](absl::Status status) { passed->Set(std::move(status)); });
    return passed->Get();
  };
  EXPECT_TRUE(barrier().ok());
  EXPECT_EQ(Count(Record::BARRIER), 1);
  log_.ForeignClaim(shard_.partition());
  EXPECT_TRUE(absl::IsUnavailable(barrier())) << "the other owner may have acknowledged something";
  shard_.Serve();
  EXPECT_TRUE(barrier().ok());
}

// --- request ids

TEST_F(ShardTest, SeesRepeatsWithinOneBatch) {
  log_.HoldAppends(kTopic);
  const PendingReply before = shard_.Send(Open("before"));
  ASSERT_TRUE(WaitUntil([&] { return log_.held() == 1; }));
  const PendingReply first = shard_.Send(Open("", "r1"));
  const PendingReply repeat = shard_.Send(Open("", "r1"));
  service::v1::CreateCaseRequest other = Open("", "r1");
  other.mutable_case_()->set_subject("It burns");
  const PendingReply misuse = shard_.Send(other);
  log_.Release();
  EXPECT_FALSE(first->Get().repeat);
  EXPECT_TRUE(repeat->Get().repeat);
  EXPECT_EQ(first->Get().body, repeat->Get().body);
  EXPECT_TRUE(absl::IsAlreadyExists(misuse->Get().status));
  EXPECT_EQ(Events(), 2);
}

TEST_F(ShardTest, TellsNothingOfABatchThatFailed) {
  log_.HoldAppends(kTopic);
  const PendingReply before = shard_.Send(Open("before"));
  ASSERT_TRUE(WaitUntil([&] { return log_.held() == 1; }));
  log_.ScriptAppends({Fate::kWritten, Fate::kLost});
  std::vector<PendingReply> batch = {shard_.Send(Open("", "r1")), shard_.Send(Open("", "r1")),
                                     shard_.Send(Close("before"))};
  log_.Release();
  EXPECT_TRUE(before->Get().status.ok());
  for (const auto& reply : batch) EXPECT_TRUE(absl::IsUnavailable(reply->Get().status));
}

TEST_F(ShardTest, RefusesARequestIdWithAnotherBody) {
  ASSERT_TRUE(shard_.Call(Open("a", "r1")).status.ok());
  const absl::Status refused = shard_.Call(Open("b", "r1")).status;
  EXPECT_TRUE(absl::IsAlreadyExists(refused)) << refused;
  EXPECT_EQ(Events(), 1);
}

TEST_F(ShardTest, RemembersRequestIdsForSevenDays) {
  const std::string first = Parsed<Case>(shard_.Call(Open("", "r1"))).name();
  clock_.Advance(absl::Hours(7 * 24) - absl::Seconds(1));
  EXPECT_EQ(Parsed<Case>(shard_.Call(Open("", "r1"))).name(), first);
  clock_.Advance(absl::Seconds(1));
  const Reply again = shard_.Call(Open("", "r1"));
  EXPECT_FALSE(again.repeat);
  EXPECT_NE(Parsed<Case>(again).name(), first);
}

TEST_F(ShardTest, SettlesWhatDecidedNothing) {
  ASSERT_TRUE(shard_.Call(Open("a")).status.ok());
  ASSERT_TRUE(shard_.Call(Assign("users/7")).status.ok());
  ASSERT_TRUE(shard_.Call(Assign("users/7", "late")).status.ok());
  EXPECT_EQ(Count(Record::REQUEST_SETTLED), 1);
  ASSERT_TRUE(shard_.Call(Assign("users/8")).status.ok());
  // The late repeat shows the present and changes nothing.
  const Reply repeat = shard_.Call(Assign("users/7", "late"));
  EXPECT_TRUE(repeat.repeat);
  EXPECT_EQ(Parsed<Case>(repeat).assignee(), "users/8");
}

TEST_F(ShardTest, ValidatesWithoutATrace) {
  service::v1::CreateCaseRequest request = Open("a", "r1");
  request.set_validate_only(true);
  const Case preview = Parsed<Case>(shard_.Call(request));
  EXPECT_EQ(preview.state(), Case::OPEN);
  EXPECT_EQ(preview.etag(), "");
  EXPECT_EQ(shard_.Call(Close("a")).status.code(), absl::StatusCode::kNotFound);
  request.set_validate_only(false);
  EXPECT_FALSE(shard_.Call(request).repeat);
  request.set_validate_only(true);
  EXPECT_TRUE(shard_.Call(request).repeat) << "a known request id is looked at first";
}

TEST_F(ShardTest, NeverRecordsAnEarlierTimeThanBefore) {
  ASSERT_TRUE(shard_.Call(Open("a")).status.ok());
  clock_.Advance(-absl::Hours(1));
  ASSERT_TRUE(shard_.Call(Open("b")).status.ok());
  const auto valid = log_.Valid(shard_.partition());
  EXPECT_GE(valid[2].record_time().seconds(), valid[1].record_time().seconds());
}

// --- limits and ends

TEST_F(ShardTest, RefusesWhatTheQueueDoesNotHold) {
  log_.HoldAppends(kTopic);
  std::vector<PendingReply> replies = {shard_.Send(Open("a"))};
  ASSERT_TRUE(WaitUntil([&] { return log_.held() == 1; }));
  for (size_t i = 0; i < kMaxQueuedCommands; ++i) {
    replies.push_back(shard_.Send(Open(absl::StrCat("b", i))));
  }
  const PendingReply refused = shard_.Send(Open("c"));
  ASSERT_TRUE(refused->IsSet());
  EXPECT_TRUE(absl::IsResourceExhausted(refused->Get().status));
  log_.Release();
  for (const auto& reply : replies) EXPECT_TRUE(reply->Get().status.ok());
  EXPECT_EQ(Events(), 1 + static_cast<int>(kMaxQueuedCommands));
}

TEST_F(ShardTest, FinishesWhatQueuedBeforeItStops) {
  log_.HoldAppends(kTopic);
  std::vector<PendingReply> replies;
  for (int i = 0; i < 20; ++i) replies.push_back(shard_.Send(Open(absl::StrCat("a", i))));
  shard_.Stop();
  for (const auto& reply : replies) EXPECT_TRUE(reply->Get().status.ok());
  EXPECT_TRUE(absl::IsUnavailable(shard_.Send(Open("late"))->Get().status));
}

TEST_F(ShardTest, StopsOnlyWhenItsAnswersAreOut) {
  Eventually<bool> answered_first;
  {
    Round round;
    const PendingReply reply = shard_.Send(Open("a"));
    EXPECT_FALSE(reply->IsSet()) << "an answer is not put off to the end of the round";
    shard_.shard().Stop([&, reply] { answered_first.Set(reply->IsSet()); });
    shard_.Settle();
  }
  EXPECT_TRUE(answered_first.Get());
}

TEST_F(ShardTest, AnswersReadersThatWaitWhenItStops) {
  Eventually<absl::Status> ready;
  shard_.shard().WhenApplied(1'000, absl::InfiniteFuture(),
                             [&](absl::Status status) { ready.Set(status); });
  shard_.Stop();
  ASSERT_TRUE(ready.IsSet()) << "a read that waits for a token is never answered";
  EXPECT_TRUE(absl::IsUnavailable(ready.Get()));
  Eventually<absl::Status> late;
  shard_.shard().WhenApplied(1'000, absl::InfiniteFuture(),
                             [&](absl::Status status) { late.Set(status); });
  ASSERT_TRUE(late.IsSet());
}

TEST_F(ShardTest, WakesReadersOnceWhatTheyNeedIsApplied) {
  const Offset next = shard_.shard().applied() + 1;
  Eventually<absl::Status> ready;
  shard_.shard().WhenApplied(next, absl::InfiniteFuture(),
                             [&](absl::Status status) { ready.Set(status); });
  EXPECT_FALSE(ready.IsSet());
  ASSERT_TRUE(shard_.Call(Open("a")).status.ok());
  EXPECT_TRUE(ready.Get().ok());
}

TEST_F(ShardTest, TellsReadersAtTheirDeadline) {
  Eventually<absl::Status> ready;
  shard_.shard().WhenApplied(1'000, clock_.Now() + absl::Seconds(1),
                             [&](absl::Status status) { ready.Set(status); });
  shard_.shard().Tick();
  EXPECT_FALSE(ready.IsSet());
  clock_.Advance(absl::Seconds(1));
  shard_.shard().Tick();
  ASSERT_TRUE(ready.IsSet());
  EXPECT_TRUE(absl::IsUnavailable(ready.Get()));
}

}  // namespace
}  // namespace rapport
