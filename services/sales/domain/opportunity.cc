#include "services/sales/domain/opportunity.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "rapport/sales/v1/refusal.pb.h"
#include "services/runtime/base/money.h"
#include "services/runtime/base/time.h"

namespace rapport::sales {
namespace {

using google::protobuf::Duration;
using google::protobuf::Timestamp;
using v1::Opportunity;
using v1::OpportunityEvent;
using v1::Refusal;
using v1::SalesProcess;
using v1::SalesStage;

// `field` is where the request says the stage.
absl::StatusOr<SalesStage> FindStage(const std::string& process_name, const std::string& stage_id,
                                     absl::string_view field, const Context& context) {
  const auto* process = context.rows.Find<SalesProcess>(process_name);
  if (process == nullptr) {
    return InvalidField("opportunity.process",
                        absl::StrCat(process_name, " does not exist; create it first"));
  }
  std::vector<absl::string_view> ids;
  for (const SalesStage& stage : process->stages()) {
    if (stage.stage_id() == stage_id) return stage;
    ids.push_back(stage.stage_id());
  }
  return InvalidField(field, absl::StrCat("\"", stage_id, "\" is not a stage of ", process_name,
                                          "; it has ", absl::StrJoin(ids, ", ")));
}

// The time since the present stage was entered.
absl::StatusOr<Duration> TimeInStage(const Opportunity& state, const Context& context) {
  const int64_t micros = ToMicros(context.occur_time) - ToMicros(state.stage_enter_time());
  if (micros < 0) {
    return InvalidField("occur_time",
                        "must not be before the present stage was entered (stage_enter_time)");
  }
  Duration time;
  time.set_seconds(micros / 1'000'000);
  time.set_nanos(static_cast<int32_t>(micros % 1'000'000) * 1'000);
  return time;
}

void EnterStage(const std::string& stage, const Timestamp& time, Opportunity& state) {
  state.set_stage(stage);
  *state.mutable_stage_enter_time() = time;
  auto* visits = state.mutable_stage_history();
  if (visits->size() == kMaxStageVisits) visits->DeleteSubrange(0, 1);
  auto* visit = visits->Add();
  visit->set_stage(stage);
  *visit->mutable_enter_time() = time;
}

void LeaveStage(const Duration& time_in_stage, Opportunity& state) {
  if (state.stage_history().empty()) return;
  *state.mutable_stage_history()->rbegin()->mutable_time_in_stage() = time_in_stage;
}

void Close(Opportunity::State closed, const Duration& time_in_stage, const Timestamp& time,
           Opportunity& state) {
  LeaveStage(time_in_stage, state);
  state.set_state(closed);
  *state.mutable_close_time() = time;
}

// Of OpportunityStageReached and OpportunityReopened.
template <class Fact>
void SetStage(const SalesStage& stage, Fact* fact) {
  fact->set_stage(stage.stage_id());
  fact->set_probability_percent(stage.probability_percent());
  fact->set_category(stage.category());
}

template <class Fact>
void ReachStage(const Fact& fact, const Timestamp& time, Opportunity& state) {
  EnterStage(fact.stage(), time, state);
  state.set_probability_percent(fact.probability_percent());
  state.set_category(fact.category());
}

absl::Status CheckOpen(const Opportunity& state) {
  if (state.state() == Opportunity::OPEN) return absl::OkStatus();
  return Refuse(Refusal::OPPORTUNITY_CLOSED, state.name(), "it is won or lost; reopen it first");
}

}  // namespace

std::vector<std::string> OpportunityAggregate::Reads(const Opportunity& opportunity,
                                                     absl::string_view) {
  return {opportunity.process()};
}

absl::Status OpportunityAggregate::Begin(Opportunity& created, const Context& context) {
  std::string first = created.stage();
  if (first.empty()) {
    const auto* process = context.rows.Find<SalesProcess>(created.process());
    if (process != nullptr && process->stages_size() > 0) first = process->stages(0).stage_id();
  }
  ASSIGN_OR_RETURN(const SalesStage stage,
                   FindStage(created.process(), first, "opportunity.stage", context));
  created.set_state(Opportunity::OPEN);
  created.clear_stage_history();
  EnterStage(stage.stage_id(), context.occur_time, created);
  created.set_probability_percent(stage.probability_percent());
  created.set_category(stage.category());
  return absl::OkStatus();
}

absl::Status OpportunityAggregate::Check(const Opportunity& after) {
  if (IsNegative(after.amount())) {
    return InvalidField("opportunity.amount", "must not be negative");
  }
  for (int i = 0; i < after.products_size(); ++i) {
    const std::string field = absl::StrCat("opportunity.products[", i, "]");
    if (absl::StartsWith(after.products(i).quantity().value(), "-")) {
      return InvalidField(absl::StrCat(field, ".quantity"), "must not be negative");
    }
    if (IsNegative(after.products(i).amount())) {
      return InvalidField(absl::StrCat(field, ".amount"), "must not be negative");
    }
  }
  return absl::OkStatus();
}

Decision<OpportunityEvent> OpportunityAggregate::Decide(
    const Opportunity& state, const v1::AdvanceOpportunityRequest& request,
    const Context& context) {
  RETURN_IF_ERROR(CheckOpen(state));
  if (state.stage() == request.stage()) return Nothing();
  OpportunityEvent event;
  auto* reached = event.mutable_stage_reached();
  ASSIGN_OR_RETURN(const SalesStage stage,
                   FindStage(state.process(), request.stage(), "stage", context));
  SetStage(stage, reached);
  ASSIGN_OR_RETURN(*reached->mutable_time_in_stage_before(), TimeInStage(state, context));
  return event;
}

Decision<OpportunityEvent> OpportunityAggregate::Decide(const Opportunity& state,
                                                        const v1::WinOpportunityRequest&,
                                                        const Context& context) {
  if (state.state() == Opportunity::WON) return Nothing();
  RETURN_IF_ERROR(CheckOpen(state));
  OpportunityEvent event;
  ASSIGN_OR_RETURN(*event.mutable_won()->mutable_time_in_last_stage(), TimeInStage(state, context));
  return event;
}

Decision<OpportunityEvent> OpportunityAggregate::Decide(const Opportunity& state,
                                                        const v1::LoseOpportunityRequest& request,
                                                        const Context& context) {
  if (state.state() == Opportunity::LOST) return Nothing();
  RETURN_IF_ERROR(CheckOpen(state));
  OpportunityEvent event;
  event.mutable_lost()->set_reason(request.reason());
  event.mutable_lost()->set_competitor(request.competitor());
  ASSIGN_OR_RETURN(*event.mutable_lost()->mutable_time_in_last_stage(),
                   TimeInStage(state, context));
  return event;
}

Decision<OpportunityEvent> OpportunityAggregate::Decide(const Opportunity& state,
                                                        const v1::ReopenOpportunityRequest& request,
                                                        const Context& context) {
  if (state.state() == Opportunity::OPEN) return Nothing();
  if (ToMicros(context.occur_time) < ToMicros(state.close_time())) {
    return InvalidField("occur_time", "must not be before it was closed (close_time)");
  }
  const std::string& stage_id = request.stage().empty() ? state.stage() : request.stage();
  ASSIGN_OR_RETURN(const SalesStage stage, FindStage(state.process(), stage_id, "stage", context));
  OpportunityEvent event;
  SetStage(stage, event.mutable_reopened());
  event.mutable_reopened()->set_reason(request.reason());
  return event;
}

void OpportunityAggregate::Evolve(Opportunity& state, const OpportunityEvent& event,
                                  const Facts& facts) {
  switch (event.event_case()) {
    case OpportunityEvent::kStageReached:
      LeaveStage(event.stage_reached().time_in_stage_before(), state);
      ReachStage(event.stage_reached(), facts.occur_time, state);
      break;
    case OpportunityEvent::kWon:
      Close(Opportunity::WON, event.won().time_in_last_stage(), facts.occur_time, state);
      break;
    case OpportunityEvent::kLost:
      Close(Opportunity::LOST, event.lost().time_in_last_stage(), facts.occur_time, state);
      state.set_lose_reason(event.lost().reason());
      state.set_competitor(event.lost().competitor());
      break;
    case OpportunityEvent::kReopened:
      ReachStage(event.reopened(), facts.occur_time, state);
      state.set_state(Opportunity::OPEN);
      state.set_reopen_count(state.reopen_count() + 1);
      state.clear_close_time();
      state.clear_lose_reason();
      state.clear_competitor();
      break;
    case OpportunityEvent::kCreated:  // the runtime's
    case OpportunityEvent::kUpdated:
    case OpportunityEvent::kDeleted:
    case OpportunityEvent::kUndeleted:
    case OpportunityEvent::EVENT_NOT_SET:
      break;
  }
}

}  // namespace rapport::sales
