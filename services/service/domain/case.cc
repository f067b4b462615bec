#include "services/service/domain/case.h"

#include <algorithm>

#include "google/protobuf/util/message_differencer.h"
#include "rapport/service/v1/refusal.pb.h"
#include "services/runtime/base/resource_name.h"
#include "services/runtime/base/time.h"

namespace rapport::service {

using v1::Case;
using v1::CaseEvent;
using v1::Refusal;

namespace {

// What customers are promised unless something else is agreed.
int64_t ResponseHours(Case::Priority priority) {
  switch (priority) {
    case Case::URGENT:
      return 1;
    case Case::HIGH:
      return 4;
    case Case::LOW:
      return 24;
    default:
      return 8;
  }
}

// The mark of an open case that is a part of another.
constexpr char kOpenPartOf[] = "open_part_of";

absl::Status CheckWholeIsNotClosed(const Case& part, const Context& context) {
  const Case* whole = context.rows.Find<Case>(part.parent_case());
  if (whole == nullptr || whole->state() != Case::CLOSED) return absl::OkStatus();
  return Refuse(Refusal::CASE_CLOSED, whole->name(),
                "it is closed and can have no open part; reopen it first");
}

}  // namespace

absl::Status CaseAggregate::Begin(Case& created, const Context& context) {
  if (!created.parent_case().empty() && ParentOf(created.parent_case()) != ParentOf(context.name)) {
    return InvalidField("case.parent_case",
                        absl::StrCat("must be a case of ", ParentOf(context.name)));
  }
  RETURN_IF_ERROR(CheckWholeIsNotClosed(created, context));
  created.set_state(Case::OPEN);
  if (created.priority() == Case::PRIORITY_UNSPECIFIED) created.set_priority(Case::NORMAL);
  google::protobuf::Timestamp due = context.occur_time;
  due.set_seconds(due.seconds() + ResponseHours(created.priority()) * 3'600);
  // A case of long ago, imported today, is nothing to be late with.
  if (ToMicros(due) > ToMicros(context.record_time)) *created.mutable_response_due_time() = due;
  return absl::OkStatus();
}

absl::Status CaseAggregate::Check(const Case& after) {
  if (after.priority() != Case::PRIORITY_UNSPECIFIED) return absl::OkStatus();
  return InvalidField("case.priority", "say LOW, NORMAL, HIGH or URGENT");
}

Decision<CaseEvent> CaseAggregate::Decide(const Case& state, const v1::AssignCaseRequest& request,
                                          const Context&) {
  if (state.state() == Case::CLOSED) {
    return Refuse(Refusal::CASE_CLOSED, state.name(), "it is closed; reopen it first");
  }
  if (state.assignee() == request.assignee()) return Nothing();
  CaseEvent event;
  event.mutable_assigned()->set_assignee(request.assignee());
  return event;
}

Decision<CaseEvent> CaseAggregate::Decide(const Case& state, const v1::EscalateCaseRequest& request,
                                          const Context&) {
  if (state.state() != Case::OPEN) {
    return Refuse(Refusal::CASE_NOT_OPEN, state.name(),
                  "only an open case escalates; reopen it first");
  }
  CaseEvent event;
  auto* escalated = event.mutable_escalated();
  escalated->set_reason(request.reason());
  escalated->set_priority(
      static_cast<Case::Priority>(std::min<int>(state.priority() + 1, Case::URGENT)));
  escalated->set_escalation_level(state.escalation_level() + 1);
  return event;
}

Decision<CaseEvent> CaseAggregate::Decide(const Case& state, const v1::ResolveCaseRequest& request,
                                          const Context&) {
  if (state.state() == Case::CLOSED) {
    return Refuse(Refusal::CASE_CLOSED, state.name(), "it is closed; reopen it first");
  }
  if (state.state() == Case::RESOLVED && google::protobuf::util::MessageDifferencer::Equals(
                                             state.resolution(), request.resolution())) {
    return Nothing();
  }
  CaseEvent event;
  *event.mutable_resolved()->mutable_resolution() = request.resolution();
  return event;
}

Decision<CaseEvent> CaseAggregate::Decide(const Case& state, const v1::CloseCaseRequest&,
                                          const Context& context) {
  if (state.state() == Case::CLOSED) return Nothing();
  if (state.state() != Case::RESOLVED) {
    return Refuse(Refusal::CASE_NOT_RESOLVED, state.name(), "it is not resolved; resolve it first");
  }
  if (const Case* part = context.rows.FindMarked<Case>(kOpenPartOf); part != nullptr) {
    return Refuse(Refusal::CASE_PARTS_OPEN, state.name(),
                  absl::StrCat("its part ", part->name(), " is open; resolve that first"));
  }
  CaseEvent event;
  event.mutable_closed();
  return event;
}

Decision<CaseEvent> CaseAggregate::Decide(const Case& state, const v1::ReopenCaseRequest& request,
                                          const Context& context) {
  if (state.state() == Case::OPEN) return Nothing();
  RETURN_IF_ERROR(CheckWholeIsNotClosed(state, context));
  CaseEvent event;
  event.mutable_reopened()->set_reason(request.reason());
  return event;
}

Decision<CaseEvent> CaseAggregate::Decide(const Case& state, const v1::RespondCaseRequest&,
                                          const Context&) {
  if (state.state() == Case::CLOSED) {
    return Refuse(Refusal::CASE_CLOSED, state.name(), "it is closed; reopen it first");
  }
  if (state.has_respond_time()) return Nothing();
  CaseEvent event;
  event.mutable_responded();
  return event;
}

Decision<CaseEvent> CaseAggregate::Decide(const Case& state, const v1::MarkOverdueCaseRequest&,
                                          const Context& context) {
  const auto due = DueTime(state);
  if (!due || ToMicros(context.record_time) < ToMicros(*due)) {
    return Refuse(Refusal::CASE_NOT_DUE, state.name(), "its response clock has not run out");
  }
  CaseEvent event;
  *event.mutable_response_missed()->mutable_due_time() = *due;
  return event;
}

std::vector<Mark> CaseAggregate::Marks(const Case& state) {
  const bool open = state.state() == Case::OPEN && !state.has_delete_time();
  if (!open || state.parent_case().empty()) return {};
  return {{kOpenPartOf, state.parent_case()}};
}

std::vector<Mark> CaseAggregate::LooksFor(const Case& state) {
  // Only such a case is closed; the others need not be searched for.
  if (state.state() != Case::RESOLVED) return {};
  return {{kOpenPartOf, state.name()}};
}

std::vector<std::string> CaseAggregate::Reads(const Case& state, absl::string_view) {
  if (state.parent_case().empty()) return {};
  return {state.parent_case()};
}

std::optional<google::protobuf::Timestamp> CaseAggregate::DueTime(const Case& state) {
  if (!state.has_response_due_time() || state.has_delete_time()) return std::nullopt;
  return state.response_due_time();
}

void CaseAggregate::Evolve(Case& state, const CaseEvent& event, const Facts& facts) {
  switch (event.event_case()) {
    case CaseEvent::kAssigned:
      state.set_assignee(event.assigned().assignee());
      break;
    case CaseEvent::kEscalated:
      state.set_priority(event.escalated().priority());
      state.set_escalation_level(event.escalated().escalation_level());
      break;
    case CaseEvent::kResolved:
      state.set_state(Case::RESOLVED);
      *state.mutable_resolution() = event.resolved().resolution();
      *state.mutable_resolve_time() = facts.occur_time;
      if (!state.has_respond_time()) *state.mutable_respond_time() = facts.occur_time;
      state.clear_response_due_time();
      break;
    case CaseEvent::kClosed:
      state.set_state(Case::CLOSED);
      *state.mutable_close_time() = facts.occur_time;
      break;
    case CaseEvent::kReopened:
      state.set_state(Case::OPEN);
      state.set_reopen_count(state.reopen_count() + 1);
      state.clear_resolution();
      state.clear_resolve_time();
      state.clear_close_time();
      break;
    case CaseEvent::kResponded:
      *state.mutable_respond_time() = facts.occur_time;
      state.clear_response_due_time();
      break;
    case CaseEvent::kResponseMissed:
      *state.mutable_response_missed_time() = event.response_missed().due_time();
      state.clear_response_due_time();
      break;
    case CaseEvent::kCreated:  // the runtime's
    case CaseEvent::kUpdated:
    case CaseEvent::kDeleted:
    case CaseEvent::kUndeleted:
    case CaseEvent::EVENT_NOT_SET:
      break;
  }
}

}  // namespace rapport::service
