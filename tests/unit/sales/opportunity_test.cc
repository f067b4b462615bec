#include "services/sales/domain/opportunity.h"

#include "rapport/sales/v1/refusal.pb.h"
#include "tests/unit/spec.h"

namespace rapport::sales {
namespace {

using spec::At;
using spec::Given;
using v1::Opportunity;
using v1::OpportunityEvent;
using v1::Refusal;
using v1::SalesProcess;

SalesProcess Process() {
  SalesProcess process;
  process.set_name("salesProcesses/direct");
  const struct {
    const char* id;
    int percent;
    SalesProcess::Category category;
  } kStages[] = {{"lead", 10, SalesProcess::OMITTED},
                 {"demo", 40, SalesProcess::PIPELINE},
                 {"bid", 80, SalesProcess::COMMIT}};
  for (const auto& one : kStages) {
    auto* stage = process.add_stages();
    stage->set_stage_id(one.id);
    stage->set_probability_percent(one.percent);
    stage->set_category(one.category);
  }
  return process;
}

v1::CreateOpportunityRequest Open(const std::string& stage = "") {
  v1::CreateOpportunityRequest request;
  request.mutable_opportunity()->set_process("salesProcesses/direct");
  request.mutable_opportunity()->set_display_name("New fleet");
  request.mutable_opportunity()->set_stage(stage);
  return request;
}
v1::AdvanceOpportunityRequest Advance(const std::string& stage) {
  v1::AdvanceOpportunityRequest request;
  request.set_stage(stage);
  return request;
}
v1::WinOpportunityRequest Win() {
  return {};
}
v1::LoseOpportunityRequest Lose() {
  v1::LoseOpportunityRequest request;
  request.set_reason("price");
  request.set_competitor("Acme");
  return request;
}
v1::ReopenOpportunityRequest Reopen(const std::string& stage = "") {
  v1::ReopenOpportunityRequest request;
  request.set_reason("they came back");
  request.set_stage(stage);
  return request;
}

// In stage "lead" since second `entered`. Specs decide at second 1,000.
OpportunityEvent Opened(int64_t entered = 1) {
  OpportunityEvent event;
  auto* opportunity = event.mutable_created()->mutable_opportunity();
  opportunity->set_process("salesProcesses/direct");
  opportunity->set_state(Opportunity::OPEN);
  opportunity->set_stage("lead");
  opportunity->set_probability_percent(10);
  opportunity->set_category(SalesProcess::OMITTED);
  *opportunity->mutable_stage_enter_time() = At(entered);
  auto* visit = opportunity->add_stage_history();
  visit->set_stage("lead");
  *visit->mutable_enter_time() = At(entered);
  return event;
}
OpportunityEvent Reached(const std::string& stage, int percent, SalesProcess::Category category,
                         int64_t seconds_before) {
  OpportunityEvent event;
  auto* reached = event.mutable_stage_reached();
  reached->set_stage(stage);
  reached->set_probability_percent(percent);
  reached->set_category(category);
  reached->mutable_time_in_stage_before()->set_seconds(seconds_before);
  return event;
}
OpportunityEvent Won(int64_t seconds) {
  OpportunityEvent event;
  event.mutable_won()->mutable_time_in_last_stage()->set_seconds(seconds);
  return event;
}
OpportunityEvent Lost(int64_t seconds) {
  OpportunityEvent event;
  event.mutable_lost()->set_reason("price");
  event.mutable_lost()->set_competitor("Acme");
  event.mutable_lost()->mutable_time_in_last_stage()->set_seconds(seconds);
  return event;
}

TEST(OpenOpportunity, BeginsWithTheFirstStageOfItsProcess) {
  const Opportunity state =
      Given<OpportunityAggregate>().Seeing(Process()).When(Open()).ThenState();
  EXPECT_EQ(state.state(), Opportunity::OPEN);
  EXPECT_EQ(state.stage(), "lead");
  EXPECT_EQ(state.probability_percent(), 10);
  EXPECT_EQ(state.category(), SalesProcess::OMITTED);
  ASSERT_EQ(state.stage_history_size(), 1);
  EXPECT_EQ(state.stage_history(0).stage(), "lead");
  EXPECT_EQ(state.stage_history(0).enter_time().seconds(), At(1'000).seconds());
  EXPECT_FALSE(state.stage_history(0).has_time_in_stage());
}

TEST(OpenOpportunity, MayBeginInAnyStage) {
  EXPECT_EQ(Given<OpportunityAggregate>()
                .Seeing(Process())
                .When(Open("bid"))
                .ThenState()
                .probability_percent(),
            80);
}

TEST(OpenOpportunity, NeedsAProcessThatHasTheStage) {
  Given<OpportunityAggregate>().When(Open()).ThenFails(absl::StatusCode::kInvalidArgument,
                                                       "opportunity.process");
  Given<OpportunityAggregate>()
      .Seeing(Process())
      .When(Open("dinner"))
      .ThenFails(absl::StatusCode::kInvalidArgument, "opportunity.stage");
}

TEST(OpenOpportunity, RefusesNegativeFigures) {
  auto request = Open();
  request.mutable_opportunity()->mutable_amount()->set_units(-1);
  Given<OpportunityAggregate>().Seeing(Process()).When(request).ThenFails(
      absl::StatusCode::kInvalidArgument, "opportunity.amount");
  request = Open();
  request.mutable_opportunity()->add_products()->mutable_quantity()->set_value("-1");
  Given<OpportunityAggregate>().Seeing(Process()).When(request).ThenFails(
      absl::StatusCode::kInvalidArgument, "opportunity.products[0].quantity");
  request.mutable_opportunity()->mutable_products(0)->mutable_quantity()->set_value("1");
  request.mutable_opportunity()->mutable_products(0)->mutable_amount()->set_units(-1);
  Given<OpportunityAggregate>().Seeing(Process()).When(request).ThenFails(
      absl::StatusCode::kInvalidArgument, "opportunity.products[0].amount");
}

TEST(AdvanceOpportunity, DecidesTheStagesProbabilityAndTheTimeBefore) {
  const Opportunity state = Given<OpportunityAggregate>(Opened(1))
                                .Seeing(Process())
                                .When(Advance("bid"))
                                .Then(Reached("bid", 80, SalesProcess::COMMIT, 999));
  EXPECT_EQ(state.stage(), "bid");
  EXPECT_EQ(state.probability_percent(), 80);
  EXPECT_EQ(state.stage_enter_time().seconds(), At(1'000).seconds());
  ASSERT_EQ(state.stage_history_size(), 2);
  EXPECT_EQ(state.stage_history(0).time_in_stage().seconds(), 999);
  EXPECT_EQ(state.stage_history(1).stage(), "bid");
  EXPECT_FALSE(state.stage_history(1).has_time_in_stage());
}

TEST(AdvanceOpportunity, GoesBackToo) {
  Given<OpportunityAggregate>(Opened(), Reached("bid", 80, SalesProcess::COMMIT, 1))
      .Seeing(Process())
      .When(Advance("lead"))
      .Then(Reached("lead", 10, SalesProcess::OMITTED, 998));
}

TEST(AdvanceOpportunity, ToItsOwnStageIsNothing) {
  Given<OpportunityAggregate>(Opened()).Seeing(Process()).When(Advance("lead")).ThenNothing();
}

TEST(AdvanceOpportunity, RefusesAStageThatTheProcessDoesNotHave) {
  Given<OpportunityAggregate>(Opened())
      .Seeing(Process())
      .When(Advance("dinner"))
      .ThenFails(absl::StatusCode::kInvalidArgument, "stage");
}

TEST(AdvanceOpportunity, RefusesATimeBeforeTheStageWasEntered) {
  Given<OpportunityAggregate>(Opened(1'001))
      .Seeing(Process())
      .When(Advance("demo"))
      .ThenFails(absl::StatusCode::kInvalidArgument, "occur_time");
}

TEST(AdvanceOpportunity, IsRefusedOnceItIsClosed) {
  for (const auto& closed : {Won(1), Lost(1)}) {
    Given<OpportunityAggregate>(Opened(), closed)
        .Seeing(Process())
        .When(Advance("demo"))
        .ThenRefuses(Refusal::OPPORTUNITY_CLOSED);
  }
}

TEST(AdvanceOpportunity, ShowsTheNewestVisitsOnly) {
  std::vector<OpportunityEvent> events = {Opened()};
  for (int i = 0; i < kMaxStageVisits; ++i) {
    events.push_back(Reached(i % 2 == 0 ? "demo" : "lead", 10, SalesProcess::OMITTED, 1));
  }
  const Opportunity state = spec::Scenario<OpportunityAggregate>(events).state();
  ASSERT_EQ(state.stage_history_size(), kMaxStageVisits);
  EXPECT_EQ(state.stage_history(0).stage(), "demo") << "the first visit, to lead, is the oldest";
  EXPECT_EQ(state.stage_history(kMaxStageVisits - 1).stage(), "lead");
}

TEST(WinOpportunity, SaysWhenAndHowLongTheLastStageTook) {
  const Opportunity state = Given<OpportunityAggregate>(Opened(1)).When(Win()).Then(Won(999));
  EXPECT_EQ(state.state(), Opportunity::WON);
  EXPECT_EQ(state.close_time().seconds(), At(1'000).seconds());
  EXPECT_EQ(state.stage_history(0).time_in_stage().seconds(), 999);
}

TEST(WinOpportunity, AgainIsNothing) {
  Given<OpportunityAggregate>(Opened(), Won(1)).When(Win()).ThenNothing();
}

TEST(WinOpportunity, IsRefusedWhenLost) {
  Given<OpportunityAggregate>(Opened(), Lost(1))
      .When(Win())
      .ThenRefuses(Refusal::OPPORTUNITY_CLOSED);
}

TEST(LoseOpportunity, SaysWhyAndToWhom) {
  const Opportunity state = Given<OpportunityAggregate>(Opened(1)).When(Lose()).Then(Lost(999));
  EXPECT_EQ(state.state(), Opportunity::LOST);
  EXPECT_EQ(state.lose_reason(), "price");
  EXPECT_EQ(state.competitor(), "Acme");
}

TEST(LoseOpportunity, AgainIsNothing) {
  Given<OpportunityAggregate>(Opened(), Lost(1)).When(Lose()).ThenNothing();
}

TEST(LoseOpportunity, IsRefusedWhenWon) {
  Given<OpportunityAggregate>(Opened(), Won(1))
      .When(Lose())
      .ThenRefuses(Refusal::OPPORTUNITY_CLOSED);
}

TEST(ReopenOpportunity, GoesOnInItsStageAsTheProcessHasItNow) {
  SalesProcess surer = Process();
  surer.mutable_stages(0)->set_probability_percent(20);
  const Opportunity state =
      Given<OpportunityAggregate>(Opened(), Lost(1)).Seeing(surer).When(Reopen()).ThenState();
  EXPECT_EQ(state.state(), Opportunity::OPEN);
  EXPECT_EQ(state.stage(), "lead");
  EXPECT_EQ(state.probability_percent(), 20);
  EXPECT_EQ(state.lose_reason(), "");
  EXPECT_EQ(state.competitor(), "");
  EXPECT_FALSE(state.has_close_time());
  EXPECT_EQ(state.reopen_count(), 1);
  EXPECT_EQ(state.stage_history_size(), 2) << "what lay between is no time in stage";
}

TEST(ReopenOpportunity, MayNameAnotherStage) {
  const Opportunity state = Given<OpportunityAggregate>(Opened(), Lost(1))
                                .Seeing(Process())
                                .When(Reopen("demo"))
                                .ThenState();
  EXPECT_EQ(state.stage(), "demo");
}

TEST(ReopenOpportunity, NeedsAStageThatTheProcessStillHas) {
  SalesProcess shorter = Process();
  shorter.mutable_stages()->DeleteSubrange(0, 1);
  Given<OpportunityAggregate>(Opened(), Lost(1))
      .Seeing(shorter)
      .When(Reopen())
      .ThenFails(absl::StatusCode::kInvalidArgument, "stage");
}

TEST(ReopenOpportunity, OfAnOpenOneIsNothing) {
  Given<OpportunityAggregate>(Opened()).Seeing(Process()).When(Reopen()).ThenNothing();
}

}  // namespace
}  // namespace rapport::sales
