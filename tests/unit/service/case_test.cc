#include "services/service/domain/case.h"

#include "rapport/service/v1/refusal.pb.h"
#include "tests/unit/service/case_events.h"
#include "tests/unit/spec.h"

namespace rapport::service {
namespace {

using spec::At;
using spec::Given;
using v1::Case;
using v1::CaseEvent;
using v1::Refusal;

// --- requests

v1::CreateCaseRequest Open(Case::Priority priority = Case::PRIORITY_UNSPECIFIED) {
  v1::CreateCaseRequest request;
  request.mutable_case_()->set_kind(Case::COMPLAINT);
  request.mutable_case_()->set_subject("The invoice is wrong");
  request.mutable_case_()->set_priority(priority);
  return request;
}
v1::AssignCaseRequest Assign(const std::string& assignee) {
  v1::AssignCaseRequest request;
  request.set_assignee(assignee);
  return request;
}
v1::EscalateCaseRequest Escalate(const std::string& reason = "it burns") {
  v1::EscalateCaseRequest request;
  request.set_reason(reason);
  return request;
}
v1::ResolveCaseRequest Resolve(const std::string& remedy = "sent a new invoice") {
  v1::ResolveCaseRequest request;
  request.mutable_resolution()->set_remedy(remedy);
  return request;
}
v1::CloseCaseRequest Close() {
  return {};
}
v1::ReopenCaseRequest Reopen(const std::string& reason = "it came back") {
  v1::ReopenCaseRequest request;
  request.set_reason(reason);
  return request;
}

// --- stories

TEST(OpenCase, StartsOpenWithNormalPriority) {
  const Case state = Given<CaseAggregate>().When(Open()).ThenState();
  EXPECT_EQ(state.state(), Case::OPEN);
  EXPECT_EQ(state.priority(), Case::NORMAL);
  EXPECT_EQ(state.name(), spec::NameOf<CaseAggregate>());
  EXPECT_EQ(state.uid(), "uid");
}

TEST(OpenCase, KeepsThePriorityThatWasSaid) {
  EXPECT_EQ(Given<CaseAggregate>().When(Open(Case::URGENT)).ThenState().priority(), Case::URGENT);
}

TEST(OpenCase, IsRefusedWhereTheIdIsTaken) {
  Given<CaseAggregate>(Opened()).When(Open()).ThenFails(absl::StatusCode::kAlreadyExists, "");
  Given<CaseAggregate>(Opened(), Deleted())
      .When(Open())
      .ThenFails(absl::StatusCode::kAlreadyExists, "");
}

TEST(AssignCase, NamesTheAssignee) {
  const Case state =
      Given<CaseAggregate>(Opened()).When(Assign("users/7")).Then(Assigned("users/7"));
  EXPECT_EQ(state.assignee(), "users/7");
}

TEST(AssignCase, ToTheSamePersonIsNothing) {
  Given<CaseAggregate>(Opened(), Assigned("users/7")).When(Assign("users/7")).ThenNothing();
}

TEST(AssignCase, GoesToAnotherPerson) {
  Given<CaseAggregate>(Opened(), Assigned("users/7"))
      .When(Assign("users/8"))
      .Then(Assigned("users/8"));
}

TEST(AssignCase, WorksWhileResolved) {
  Given<CaseAggregate>(Opened(), Resolved()).When(Assign("users/7")).Then(Assigned("users/7"));
}

TEST(AssignCase, IsRefusedWhenClosed) {
  Given<CaseAggregate>(Opened(), Resolved(), Closed())
      .When(Assign("users/7"))
      .ThenRefuses(Refusal::CASE_CLOSED);
  // Also to the person who has it: whoever asks is told that the case is closed.
  Given<CaseAggregate>(Opened(), Assigned("users/7"), Resolved(), Closed())
      .When(Assign("users/7"))
      .ThenRefuses(Refusal::CASE_CLOSED);
}

TEST(EscalateCase, RaisesPriorityAndLevelByOne) {
  const struct {
    Case::Priority before, after;
  } kSteps[] = {{Case::LOW, Case::NORMAL},
                {Case::NORMAL, Case::HIGH},
                {Case::HIGH, Case::URGENT},
                {Case::URGENT, Case::URGENT}};
  for (const auto& step : kSteps) {
    const Case state = Given<CaseAggregate>(Opened(step.before))
                           .When(Escalate("it burns"))
                           .Then(Escalated("it burns", step.after, 1));
    EXPECT_EQ(state.priority(), step.after);
    EXPECT_EQ(state.escalation_level(), 1);
  }
}

TEST(EscalateCase, CountsEveryTime) {
  Given<CaseAggregate>(Opened(Case::LOW), Escalated("first", Case::NORMAL, 1))
      .When(Escalate("second"))
      .Then(Escalated("second", Case::HIGH, 2));
}

TEST(EscalateCase, IsRefusedUnlessOpen) {
  Given<CaseAggregate>(Opened(), Resolved()).When(Escalate()).ThenRefuses(Refusal::CASE_NOT_OPEN);
  Given<CaseAggregate>(Opened(), Resolved(), Closed())
      .When(Escalate())
      .ThenRefuses(Refusal::CASE_NOT_OPEN);
}

TEST(ResolveCase, KeepsHowAndWhen) {
  const Case state = Given<CaseAggregate>(Opened()).When(Resolve()).Then(Resolved());
  EXPECT_EQ(state.state(), Case::RESOLVED);
  EXPECT_EQ(state.resolution().remedy(), "sent a new invoice");
  EXPECT_EQ(state.resolve_time().seconds(), At(1'000).seconds());
}

TEST(ResolveCase, AgainInTheSameWordsIsNothing) {
  Given<CaseAggregate>(Opened(), Resolved("A")).When(Resolve("A")).ThenNothing();
}

TEST(ResolveCase, InOtherWordsReplacesTheResolution) {
  const Case state =
      Given<CaseAggregate>(Opened(), Resolved("A")).When(Resolve("B")).Then(Resolved("B"));
  EXPECT_EQ(state.resolution().remedy(), "B");
}

TEST(ResolveCase, IsRefusedWhenClosed) {
  Given<CaseAggregate>(Opened(), Resolved(), Closed())
      .When(Resolve())
      .ThenRefuses(Refusal::CASE_CLOSED);
}

TEST(CloseCase, EndsAResolvedCase) {
  const Case state = Given<CaseAggregate>(Opened(), Resolved()).When(Close()).Then(Closed());
  EXPECT_EQ(state.state(), Case::CLOSED);
  EXPECT_EQ(state.close_time().seconds(), At(1'000).seconds());
  EXPECT_EQ(state.resolve_time().seconds(), At(2).seconds());
}

TEST(CloseCase, AgainIsNothing) {
  Given<CaseAggregate>(Opened(), Resolved(), Closed()).When(Close()).ThenNothing();
}

TEST(CloseCase, IsRefusedUnlessResolved) {
  Given<CaseAggregate>(Opened()).When(Close()).ThenRefuses(Refusal::CASE_NOT_RESOLVED);
  Given<CaseAggregate>(Opened(), Resolved(), Reopened("no"))
      .When(Close())
      .ThenRefuses(Refusal::CASE_NOT_RESOLVED);
}

TEST(ReopenCase, ForgetsTheResolutionAndCounts) {
  const Case state = Given<CaseAggregate>(Opened(), Resolved(), Closed())
                         .When(Reopen("it came back"))
                         .Then(Reopened("it came back"));
  EXPECT_EQ(state.state(), Case::OPEN);
  EXPECT_EQ(state.reopen_count(), 1);
  EXPECT_FALSE(state.has_resolution());
  EXPECT_FALSE(state.has_resolve_time());
  EXPECT_FALSE(state.has_close_time());
}

TEST(ReopenCase, WorksFromResolvedToo) {
  Given<CaseAggregate>(Opened(), Resolved()).When(Reopen("no")).Then(Reopened("no"));
}

TEST(ReopenCase, OfAnOpenCaseIsNothing) {
  Given<CaseAggregate>(Opened()).When(Reopen()).ThenNothing();
}

TEST(ReopenCase, CountsEveryTime) {
  const Case state = Given<CaseAggregate>(Opened(), Resolved(), Reopened("once"), Resolved())
                         .When(Reopen())
                         .ThenState();
  EXPECT_EQ(state.reopen_count(), 2);
}

TEST(UpdateCase, CannotTakeThePriorityAway) {
  v1::UpdateCaseRequest request;
  request.mutable_update_mask()->add_paths("priority");
  Given<CaseAggregate>(Opened(Case::HIGH))
      .When(request)
      .ThenFails(absl::StatusCode::kInvalidArgument, "case.priority");
}

// What the runtime sees to before a verb is asked.

TEST(AnyCaseVerb, NeedsACaseThatLives) {
  Given<CaseAggregate>().When(Resolve()).ThenFails(absl::StatusCode::kNotFound, "");
  Given<CaseAggregate>(Opened(), Deleted())
      .When(Resolve())
      .ThenFails(absl::StatusCode::kFailedPrecondition, "DELETED");
}

TEST(AnyCaseVerb, NeedsThePresentEtag) {
  v1::ResolveCaseRequest request = Resolve();
  for (const char* stale : {"\"1\"", "1", "W/\"2\"", "\"22\"", "\""}) {
    request.set_etag(stale);
    Given<CaseAggregate>(Opened(), Assigned("users/7"))
        .When(request)
        .ThenFails(absl::StatusCode::kAborted, "ETAG_MISMATCH");
  }
  for (const char* present : {"", "\"2\"", "2"}) {
    request.set_etag(present);
    Given<CaseAggregate>(Opened(), Assigned("users/7")).When(request).Then(Resolved());
  }
}

TEST(EvolveCase, IsTotal) {
  for (const auto& event : {Assigned("users/7"), Escalated("", Case::LOW, -1), Resolved(""),
                            Closed(), Reopened(""), CaseEvent()}) {
    for (const auto state : {Case::STATE_UNSPECIFIED, Case::OPEN, Case::RESOLVED, Case::CLOSED}) {
      Case folded;
      folded.set_state(state);
      const std::string name = "customers/ada/cases/it";
      CaseAggregate::Evolve(folded, event,
                            {.name = name, .occur_time = At(1), .record_time = At(2)});
    }
  }
}

// --- the response clock; requests come 1,000 s after the start

TEST(ResponseClock, RunsByPriorityFromTheOpening) {
  const auto hours = [](Case::Priority priority) {
    const Case state = Given<CaseAggregate>().When(Open(priority)).ThenState();
    return (state.response_due_time().seconds() - At(1'000).seconds()) / 3'600;
  };
  EXPECT_EQ(hours(Case::URGENT), 1);
  EXPECT_EQ(hours(Case::HIGH), 4);
  EXPECT_EQ(hours(Case::NORMAL), 8);
  EXPECT_EQ(hours(Case::LOW), 24);
}

TEST(ResponseClock, StopsWithTheFirstResponse) {
  const Case state =
      Given<CaseAggregate>(OpenedWithClock(5'000)).When(v1::RespondCaseRequest()).Then(Responded());
  EXPECT_EQ(state.respond_time().seconds(), At(1'000).seconds());
  EXPECT_FALSE(CaseAggregate::DueTime(state));
}

TEST(ResponseClock, StopsWhenTheCaseIsResolvedWhichIsAResponse) {
  const Case state = Given<CaseAggregate>(OpenedWithClock(5'000)).When(Resolve()).Then(Resolved());
  EXPECT_EQ(state.respond_time().seconds(), At(1'000).seconds());
  EXPECT_FALSE(CaseAggregate::DueTime(state));
}

TEST(ResponseClock, TheFirstResponseCounts) {
  Given<CaseAggregate>(Opened(), Responded()).When(v1::RespondCaseRequest()).ThenNothing();
}

TEST(ResponseClock, MissesOnceItRanOut) {
  const Case state = Given<CaseAggregate>(OpenedWithClock(900))
                         .When(v1::MarkOverdueCaseRequest())
                         .Then(ResponseMissed(900));
  EXPECT_EQ(state.response_missed_time().seconds(), At(900).seconds());
  Given<CaseAggregate>(OpenedWithClock(900), ResponseMissed(900))
      .When(v1::MarkOverdueCaseRequest())
      .ThenRefuses(Refusal::CASE_NOT_DUE);
}

TEST(ResponseClock, DoesNotMissBeforeItsTime) {
  Given<CaseAggregate>(OpenedWithClock(1'001))
      .When(v1::MarkOverdueCaseRequest())
      .ThenRefuses(Refusal::CASE_NOT_DUE);
}

TEST(ResponseClock, RestsWhileTheCaseIsDeleted) {
  EXPECT_FALSE(
      CaseAggregate::DueTime(Given<CaseAggregate>(OpenedWithClock(900), Deleted()).state()));
}

}  // namespace
}  // namespace rapport::service
