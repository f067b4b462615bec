#include "services/marketing/service.h"

#include "services/marketing/domain/campaign.h"
#include "services/marketing/domain/campaign_membership.h"

namespace rapport::marketing {

ServiceSpec Spec() {
  return {.name = "marketing",
          .number = 3,
          .rpc = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
              "rapport.marketing.v1.Marketing"),
          .aggregates = {Aggregate<CampaignAggregate>(), Aggregate<CampaignMembershipAggregate>()},
          .parents_service = "accounts",
          .parents_collection = "customers"};
}

}  // namespace rapport::marketing
