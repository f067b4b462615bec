#include "services/marketing/domain/campaign.h"

#include "tests/unit/spec.h"

namespace rapport::marketing {
namespace {

using google::type::Date;
using spec::Given;

Date On(int year, int month, int day) {
  Date date;
  date.set_year(year);
  date.set_month(month);
  date.set_day(day);
  return date;
}

v1::CreateCampaignRequest Plan(const Date& start, const Date& end) {
  v1::CreateCampaignRequest request;
  request.mutable_campaign()->set_display_name("Spring");
  *request.mutable_campaign()->mutable_start_date() = start;
  *request.mutable_campaign()->mutable_end_date() = end;
  return request;
}

v1::CampaignEvent Planned(const Date& start, const Date& end) {
  v1::CampaignEvent event;
  *event.mutable_created()->mutable_campaign() = Plan(start, end).campaign();
  return event;
}

TEST(PlanCampaign, MayEndOnTheDayItStarts) {
  Given<CampaignAggregate>().When(Plan(On(2026, 3, 1), On(2026, 3, 1))).ThenState();
}

TEST(PlanCampaign, DoesNotEndBeforeItStarts) {
  const std::pair<Date, Date> kWrong[] = {{On(2026, 3, 2), On(2026, 3, 1)},
                                          {On(2026, 3, 1), On(2026, 2, 28)},
                                          {On(2026, 1, 1), On(2025, 12, 31)}};
  for (const auto& [start, end] : kWrong) {
    Given<CampaignAggregate>()
        .When(Plan(start, end))
        .ThenFails(absl::StatusCode::kInvalidArgument, "campaign.end_date");
  }
}

TEST(PlanCampaign, MayBeOpenAtEitherSide) {
  v1::CreateCampaignRequest request = Plan(On(2026, 3, 1), On(2026, 4, 1));
  request.mutable_campaign()->clear_end_date();
  Given<CampaignAggregate>().When(request).ThenState();
  request = Plan(On(2026, 3, 1), On(2026, 4, 1));
  request.mutable_campaign()->clear_start_date();
  Given<CampaignAggregate>().When(request).ThenState();
}

// The rule is about the campaign as it would be: one date may break it alone.
TEST(ChangeCampaign, CannotMoveTheStartBehindTheEnd) {
  v1::UpdateCampaignRequest request;
  *request.mutable_campaign()->mutable_start_date() = On(2026, 4, 2);
  request.mutable_update_mask()->add_paths("start_date");
  Given<CampaignAggregate>(Planned(On(2026, 3, 1), On(2026, 4, 1)))
      .When(request)
      .ThenFails(absl::StatusCode::kInvalidArgument, "campaign.end_date");
}

}  // namespace
}  // namespace rapport::marketing
