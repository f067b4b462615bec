// A question, incident, complaint or request from opening to closing.
//
//   OPEN -> RESOLVED -> CLOSED, and back to OPEN by reopening.
#pragma once

#include "rapport/service/v1/case.pb.h"
#include "services/runtime/base/decision.h"

namespace rapport::service {

struct CaseAggregate {
  using State = v1::Case;
  using Event = v1::CaseEvent;
  using Commands = Types<v1::AssignCaseRequest, v1::EscalateCaseRequest, v1::ResolveCaseRequest,
                         v1::CloseCaseRequest, v1::ReopenCaseRequest, v1::RespondCaseRequest,
                         v1::MarkOverdueCaseRequest>;

  // A parent is a case of the same customer and not closed. It is older than its children, so that
  // no case is above itself.
  static absl::Status Begin(State& created, const Context& context);
  // A case has a priority; an update cannot take it away.
  static absl::Status Check(const State& after);

  static Decision<Event> Decide(const State& state, const v1::AssignCaseRequest& request,
                                const Context& context);
  static Decision<Event> Decide(const State& state, const v1::EscalateCaseRequest& request,
                                const Context& context);
  static Decision<Event> Decide(const State& state, const v1::ResolveCaseRequest& request,
                                const Context& context);
  static Decision<Event> Decide(const State& state, const v1::CloseCaseRequest& request,
                                const Context& context);
  static Decision<Event> Decide(const State& state, const v1::ReopenCaseRequest& request,
                                const Context& context);

  static Decision<Event> Decide(const State& state, const v1::RespondCaseRequest& request,
                                const Context& context);
  static Decision<Event> Decide(const State& state, const v1::MarkOverdueCaseRequest& request,
                                const Context& context);

  // A part that is open keeps the whole from being closed, and under a closed one none is opened.
  static std::vector<Mark> Marks(const State& state);
  static std::vector<Mark> LooksFor(const State& state);
  static std::vector<std::string> Reads(const State& state, absl::string_view name);

  // The response clock: one per case, day and night.
  static std::optional<google::protobuf::Timestamp> DueTime(const State& state);
  using OnDue = v1::MarkOverdueCaseRequest;

  static void Evolve(State& state, const Event& event, const Facts& facts);
};

}  // namespace rapport::service
