#include "services/sales/domain/activity.h"

#include "rapport/sales/v1/refusal.pb.h"
#include "tests/unit/spec.h"

namespace rapport::sales {
namespace {

using spec::At;
using spec::Given;
using v1::Activity;
using v1::ActivityEvent;
using v1::Refusal;

ActivityEvent Planned(const std::string& assignee = "users/7") {
  ActivityEvent event;
  auto* activity = event.mutable_created()->mutable_activity();
  activity->set_kind(Activity::CALL);
  activity->set_subject("call back");
  activity->set_assignee(assignee);
  activity->set_state(Activity::OPEN);
  return event;
}
ActivityEvent Assigned(const std::string& assignee) {
  ActivityEvent event;
  event.mutable_assigned()->set_assignee(assignee);
  return event;
}
ActivityEvent Completed(const std::string& outcome = "reached", const std::string& next = "") {
  ActivityEvent event;
  event.mutable_completed()->set_outcome(outcome);
  event.mutable_completed()->set_next_step(next);
  return event;
}
ActivityEvent Cancelled() {
  ActivityEvent event;
  event.mutable_cancelled()->set_reason("moved away");
  return event;
}
ActivityEvent Reopened() {
  ActivityEvent event;
  event.mutable_reopened()->set_reason("called again");
  return event;
}

v1::CreateActivityRequest Plan() {
  v1::CreateActivityRequest request;
  auto* activity = request.mutable_activity();
  activity->set_kind(Activity::VISIT);
  activity->set_subject("show the flat");
  activity->set_assignee("users/7");
  activity->set_source("customers/ada/cases/c1");
  *activity->mutable_due_time() = At(86'400);
  return request;
}
v1::AssignActivityRequest Assign(const std::string& assignee) {
  v1::AssignActivityRequest request;
  request.set_assignee(assignee);
  return request;
}
v1::CompleteActivityRequest Complete(const std::string& outcome = "reached",
                                     const std::string& next = "") {
  v1::CompleteActivityRequest request;
  request.set_outcome(outcome);
  request.set_next_step(next);
  return request;
}
v1::CancelActivityRequest Cancel() {
  v1::CancelActivityRequest request;
  request.set_reason("moved away");
  return request;
}
v1::ReopenActivityRequest Reopen() {
  v1::ReopenActivityRequest request;
  request.set_reason("called again");
  return request;
}

TEST(PlanActivity, IsOpenWithItsAssigneeAndSource) {
  const Activity state = Given<ActivityAggregate>().When(Plan()).ThenState();
  EXPECT_EQ(state.state(), Activity::OPEN);
  EXPECT_EQ(state.assignee(), "users/7");
  EXPECT_EQ(state.source(), "customers/ada/cases/c1");
  EXPECT_EQ(state.due_time().seconds(), At(86'400).seconds());
}

TEST(PlanActivity, IgnoresAStateThatTheCallerSays) {
  v1::CreateActivityRequest request = Plan();
  request.mutable_activity()->set_state(Activity::COMPLETED);
  EXPECT_EQ(Given<ActivityAggregate>().When(request).ThenState().state(), Activity::OPEN);
}

TEST(AssignActivity, GivesItToSomebodyElse) {
  const Activity state =
      Given<ActivityAggregate>(Planned()).When(Assign("users/8")).Then(Assigned("users/8"));
  EXPECT_EQ(state.assignee(), "users/8");
}

TEST(AssignActivity, ToTheSameIsNothing) {
  Given<ActivityAggregate>(Planned()).When(Assign("users/7")).ThenNothing();
}

TEST(AssignActivity, IsRefusedOnceItIsDoneWith) {
  for (const auto& done : {Completed(), Cancelled()}) {
    Given<ActivityAggregate>(Planned(), done)
        .When(Assign("users/8"))
        .ThenRefuses(Refusal::ACTIVITY_NOT_OPEN);
  }
}

TEST(CompleteActivity, SaysWhatCameOfItAndWhatFollows) {
  const Activity state = Given<ActivityAggregate>(Planned())
                             .When(Complete("interested", "send the quote"))
                             .Then(Completed("interested", "send the quote"));
  EXPECT_EQ(state.state(), Activity::COMPLETED);
  EXPECT_EQ(state.outcome(), "interested");
  EXPECT_EQ(state.next_step(), "send the quote");
  EXPECT_EQ(state.complete_time().seconds(), At(1'000).seconds());
}

TEST(CompleteActivity, AgainIsNothing) {
  Given<ActivityAggregate>(Planned(), Completed("A", "B")).When(Complete("A", "B")).ThenNothing();
}

TEST(CompleteActivity, WithAnotherOutcomeCorrectsIt) {
  const Activity state = Given<ActivityAggregate>(Planned(), Completed("A", "B"))
                             .When(Complete("A", "C"))
                             .Then(Completed("A", "C"));
  EXPECT_EQ(state.next_step(), "C");
}

TEST(CompleteActivity, IsRefusedWhenCancelled) {
  Given<ActivityAggregate>(Planned(), Cancelled())
      .When(Complete())
      .ThenRefuses(Refusal::ACTIVITY_CANCELLED);
}

TEST(CancelActivity, SaysWhyAndWhen) {
  const Activity state = Given<ActivityAggregate>(Planned()).When(Cancel()).Then(Cancelled());
  EXPECT_EQ(state.state(), Activity::CANCELLED);
  EXPECT_EQ(state.cancel_reason(), "moved away");
  EXPECT_EQ(state.cancel_time().seconds(), At(1'000).seconds());
}

TEST(CancelActivity, AgainIsNothing) {
  Given<ActivityAggregate>(Planned(), Cancelled()).When(Cancel()).ThenNothing();
}

TEST(CancelActivity, IsRefusedWhenCompleted) {
  Given<ActivityAggregate>(Planned(), Completed())
      .When(Cancel())
      .ThenRefuses(Refusal::ACTIVITY_COMPLETED);
}

TEST(ReopenActivity, TakesTheOutcomeBack) {
  const Activity state = Given<ActivityAggregate>(Planned(), Completed("reached", "quote"))
                             .When(Reopen())
                             .Then(Reopened());
  EXPECT_EQ(state.state(), Activity::OPEN);
  EXPECT_EQ(state.outcome(), "");
  EXPECT_EQ(state.next_step(), "");
  EXPECT_FALSE(state.has_complete_time());
  EXPECT_EQ(state.reopen_count(), 1);
}

TEST(ReopenActivity, TakesTheCancellationBack) {
  const Activity state =
      Given<ActivityAggregate>(Planned(), Cancelled()).When(Reopen()).Then(Reopened());
  EXPECT_EQ(state.cancel_reason(), "");
  EXPECT_FALSE(state.has_cancel_time());
}

TEST(ReopenActivity, OfAnOpenOneIsNothing) {
  Given<ActivityAggregate>(Planned()).When(Reopen()).ThenNothing();
}

TEST(CorrectActivity, ChangesItsDueTime) {
  v1::UpdateActivityRequest request;
  *request.mutable_activity()->mutable_due_time() = At(3'600);
  request.mutable_update_mask()->add_paths("due_time");
  const Activity state = Given<ActivityAggregate>(Planned()).When(request).ThenState();
  EXPECT_EQ(state.due_time().seconds(), At(3'600).seconds());
}

TEST(CorrectActivity, LeavesItsAssigneeToAssign) {
  v1::UpdateActivityRequest request;
  request.mutable_activity()->set_assignee("users/8");
  request.mutable_update_mask()->add_paths("assignee");
  Given<ActivityAggregate>(Planned()).When(request).ThenFails(absl::StatusCode::kInvalidArgument,
                                                              "activity.assignee");
}

}  // namespace
}  // namespace rapport::sales
