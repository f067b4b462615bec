#include "services/marketing/domain/campaign.h"

#include "services/runtime/base/date.h"

namespace rapport::marketing {

absl::Status CampaignAggregate::Check(const v1::Campaign& after) {
  if (!after.has_start_date() || !after.has_end_date()) return absl::OkStatus();
  if (IsBefore(after.end_date(), after.start_date())) {
    return InvalidField("campaign.end_date", "must not be before start_date");
  }
  return absl::OkStatus();
}

}  // namespace rapport::marketing
