// What may have happened to a case.
#pragma once

#include <cstdint>
#include <string>

#include "rapport/service/v1/case.pb.h"
#include "tests/unit/spec.h"

namespace rapport::service {

inline v1::CaseEvent Opened(v1::Case::Priority priority = v1::Case::NORMAL) {
  v1::CaseEvent event;
  auto& opened = *event.mutable_created()->mutable_case_();
  opened.set_kind(v1::Case::COMPLAINT);
  opened.set_subject("The invoice is wrong");
  opened.set_priority(priority);
  opened.set_state(v1::Case::OPEN);
  return event;
}
inline v1::CaseEvent Assigned(const std::string& assignee) {
  v1::CaseEvent event;
  event.mutable_assigned()->set_assignee(assignee);
  return event;
}
inline v1::CaseEvent Escalated(const std::string& reason, v1::Case::Priority priority, int level) {
  v1::CaseEvent event;
  event.mutable_escalated()->set_reason(reason);
  event.mutable_escalated()->set_priority(priority);
  event.mutable_escalated()->set_escalation_level(level);
  return event;
}
inline v1::CaseEvent Resolved(const std::string& remedy = "sent a new invoice") {
  v1::CaseEvent event;
  event.mutable_resolved()->mutable_resolution()->set_remedy(remedy);
  return event;
}
inline v1::CaseEvent Closed() {
  v1::CaseEvent event;
  event.mutable_closed();
  return event;
}
inline v1::CaseEvent Reopened(const std::string& reason) {
  v1::CaseEvent event;
  event.mutable_reopened()->set_reason(reason);
  return event;
}
inline v1::CaseEvent Responded() {
  v1::CaseEvent event;
  event.mutable_responded();
  return event;
}
inline v1::CaseEvent OpenedWithClock(int64_t due_seconds) {
  v1::CaseEvent event = Opened();
  *event.mutable_created()->mutable_case_()->mutable_response_due_time() = spec::At(due_seconds);
  return event;
}
inline v1::CaseEvent ResponseMissed(int64_t due_seconds) {
  v1::CaseEvent event;
  *event.mutable_response_missed()->mutable_due_time() = spec::At(due_seconds);
  return event;
}
inline v1::CaseEvent Deleted() {
  v1::CaseEvent event;
  event.mutable_deleted();
  return event;
}

}  // namespace rapport::service
