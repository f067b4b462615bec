#include "services/marketing/domain/campaign.h"

#include <tuple>

namespace rapport::marketing {

absl::Status CampaignAggregate::Check(const v1::Campaign& after) {
  if (!after.has_start_date() || !after.has_end_date()) return absl::OkStatus();
  const auto order = [](const google::type::Date& date) {
    return std::tuple(date.year(), date.month(), date.day());
  };
  if (order(after.end_date()) < order(after.start_date())) {
    return InvalidField("campaign.end_date", "must not be before start_date");
  }
  return absl::OkStatus();
}

}  // namespace rapport::marketing
