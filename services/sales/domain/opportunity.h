// A deal on its way through the stages of a sales process.
//
//   OPEN, in one stage after another -> WON or LOST, and back to OPEN by reopening.
#pragma once

#include "rapport/sales/v1/opportunity.pb.h"
#include "services/runtime/base/decision.h"

namespace rapport::sales {

// Visits that an opportunity shows: far more than a deal has stages, far less than a row holds.
inline constexpr int kMaxStageVisits = 50;

struct OpportunityAggregate {
  using State = v1::Opportunity;
  using Event = v1::OpportunityEvent;
  using Commands = Types<v1::AdvanceOpportunityRequest, v1::WinOpportunityRequest,
                         v1::LoseOpportunityRequest, v1::ReopenOpportunityRequest>;

  // The process, whose stages it goes through.
  static std::vector<std::string> Reads(const State& opportunity, absl::string_view name);

  static absl::Status Begin(State& created, const Context& context);
  // Amounts and quantities are not negative.
  static absl::Status Check(const State& after);

  static Decision<Event> Decide(const State& state, const v1::AdvanceOpportunityRequest& request,
                                const Context& context);
  static Decision<Event> Decide(const State& state, const v1::WinOpportunityRequest& request,
                                const Context& context);
  static Decision<Event> Decide(const State& state, const v1::LoseOpportunityRequest& request,
                                const Context& context);
  static Decision<Event> Decide(const State& state, const v1::ReopenOpportunityRequest& request,
                                const Context& context);

  static void Evolve(State& state, const Event& event, const Facts& facts);
};

}  // namespace rapport::sales
