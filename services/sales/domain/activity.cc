#include "services/sales/domain/activity.h"

#include "rapport/sales/v1/refusal.pb.h"

namespace rapport::sales {

using v1::Activity;
using v1::ActivityEvent;
using v1::Refusal;

absl::Status ActivityAggregate::Begin(Activity& created, const Context&) {
  created.set_state(Activity::OPEN);
  return absl::OkStatus();
}

Decision<ActivityEvent> ActivityAggregate::Decide(const Activity& state,
                                                  const v1::AssignActivityRequest& request,
                                                  const Context&) {
  if (state.state() != Activity::OPEN) {
    return Refuse(Refusal::ACTIVITY_NOT_OPEN, state.name(), "it is done with; reopen it first");
  }
  if (state.assignee() == request.assignee()) return Nothing();
  ActivityEvent event;
  event.mutable_assigned()->set_assignee(request.assignee());
  return event;
}

Decision<ActivityEvent> ActivityAggregate::Decide(const Activity& state,
                                                  const v1::CompleteActivityRequest& request,
                                                  const Context&) {
  if (state.state() == Activity::CANCELLED) {
    return Refuse(Refusal::ACTIVITY_CANCELLED, state.name(), "it is cancelled; reopen it first");
  }
  if (state.state() == Activity::COMPLETED && state.outcome() == request.outcome() &&
      state.next_step() == request.next_step()) {
    return Nothing();
  }
  ActivityEvent event;
  event.mutable_completed()->set_outcome(request.outcome());
  event.mutable_completed()->set_next_step(request.next_step());
  return event;
}

Decision<ActivityEvent> ActivityAggregate::Decide(const Activity& state,
                                                  const v1::CancelActivityRequest& request,
                                                  const Context&) {
  if (state.state() == Activity::CANCELLED) return Nothing();
  if (state.state() == Activity::COMPLETED) {
    return Refuse(Refusal::ACTIVITY_COMPLETED, state.name(), "it is completed; reopen it first");
  }
  ActivityEvent event;
  event.mutable_cancelled()->set_reason(request.reason());
  return event;
}

Decision<ActivityEvent> ActivityAggregate::Decide(const Activity& state,
                                                  const v1::ReopenActivityRequest& request,
                                                  const Context&) {
  if (state.state() == Activity::OPEN) return Nothing();
  ActivityEvent event;
  event.mutable_reopened()->set_reason(request.reason());
  return event;
}

void ActivityAggregate::Evolve(Activity& state, const ActivityEvent& event, const Facts& facts) {
  switch (event.event_case()) {
    case ActivityEvent::kAssigned:
      state.set_assignee(event.assigned().assignee());
      break;
    case ActivityEvent::kCompleted:
      state.set_state(Activity::COMPLETED);
      state.set_outcome(event.completed().outcome());
      state.set_next_step(event.completed().next_step());
      *state.mutable_complete_time() = facts.occur_time;
      break;
    case ActivityEvent::kCancelled:
      state.set_state(Activity::CANCELLED);
      state.set_cancel_reason(event.cancelled().reason());
      *state.mutable_cancel_time() = facts.occur_time;
      break;
    case ActivityEvent::kReopened:
      state.set_state(Activity::OPEN);
      state.set_reopen_count(state.reopen_count() + 1);
      state.clear_outcome();
      state.clear_next_step();
      state.clear_complete_time();
      state.clear_cancel_time();
      state.clear_cancel_reason();
      break;
    case ActivityEvent::kCreated:  // the runtime's
    case ActivityEvent::kUpdated:
    case ActivityEvent::kDeleted:
    case ActivityEvent::kUndeleted:
    case ActivityEvent::EVENT_NOT_SET:
      break;
  }
}

}  // namespace rapport::sales
