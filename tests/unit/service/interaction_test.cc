#include "services/service/domain/interaction.h"

#include <limits>

#include "tests/unit/spec.h"

namespace rapport::service {
namespace {

using spec::Given;
using v1::Interaction;

v1::CreateInteractionRequest LogWithSentiment(double value) {
  v1::CreateInteractionRequest request;
  request.mutable_interaction()->set_channel(Interaction::PHONE);
  request.mutable_interaction()->set_direction(Interaction::INBOUND);
  request.mutable_interaction()->set_summary("Asked about 入伙");
  request.mutable_interaction()->mutable_sentiment()->set_value(value);
  return request;
}

v1::InteractionEvent Logged() {
  v1::InteractionEvent event;
  event.mutable_created()->mutable_interaction()->set_summary("Asked about 入伙");
  return event;
}

TEST(LogInteraction, NeedsNoSentiment) {
  v1::CreateInteractionRequest request = LogWithSentiment(0);
  request.mutable_interaction()->clear_sentiment();
  EXPECT_FALSE(Given<InteractionAggregate>().When(request).ThenState().has_sentiment());
}

TEST(LogInteraction, TakesSentimentFromMinusOneToOne) {
  for (const double value : {-1.0, -0.5, 0.0, 0.25, 1.0}) {
    const Interaction state =
        Given<InteractionAggregate>().When(LogWithSentiment(value)).ThenState();
    EXPECT_EQ(state.sentiment().value(), value);
  }
}

TEST(LogInteraction, RefusesSentimentBeyond) {
  const double above = std::nextafter(1.0, 2.0);
  for (const double value : {-above, above, -2.0, 100.0, std::numeric_limits<double>::infinity()}) {
    Given<InteractionAggregate>()
        .When(LogWithSentiment(value))
        .ThenFails(absl::StatusCode::kInvalidArgument, "interaction.sentiment.value");
  }
}

TEST(CorrectInteraction, RefusesSentimentBeyondToo) {
  v1::UpdateInteractionRequest request;
  request.mutable_interaction()->mutable_sentiment()->set_value(1.5);
  request.mutable_interaction()->mutable_sentiment()->set_source("survey");
  request.mutable_update_mask()->add_paths("sentiment");
  Given<InteractionAggregate>(Logged()).When(request).ThenFails(absl::StatusCode::kInvalidArgument,
                                                                "interaction.sentiment.value");
}

TEST(CorrectInteraction, WritesWhatChangedOnly) {
  v1::UpdateInteractionRequest request;
  request.mutable_interaction()->set_summary("Asked about joining");
  request.mutable_interaction()->set_body("not in the mask");
  request.mutable_update_mask()->add_paths("summary");
  v1::InteractionEvent updated;
  updated.mutable_updated()->mutable_interaction()->set_summary("Asked about joining");
  updated.mutable_updated()->mutable_update_mask()->add_paths("summary");
  EXPECT_EQ(Given<InteractionAggregate>(Logged()).When(request).Then(updated).body(), "");
}

TEST(CorrectInteraction, ToWhatItIsAlreadyIsNothing) {
  v1::UpdateInteractionRequest request;
  request.mutable_interaction()->set_summary("Asked about 入伙");
  request.mutable_update_mask()->add_paths("summary");
  Given<InteractionAggregate>(Logged()).When(request).ThenNothing();
}

}  // namespace
}  // namespace rapport::service
