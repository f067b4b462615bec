#include "services/marketing/service.h"

#include "rapport/marketing/v1/profile.pb.h"
#include "services/marketing/domain/campaign.h"
#include "services/marketing/domain/campaign_membership.h"
#include "services/marketing/domain/recovery.h"
#include "services/marketing/processes/recovery.h"
#include "services/marketing/projections/profile.h"

namespace rapport::marketing {

ServiceSpec Spec(const Settings& settings) {
  return {.name = "marketing",
          .number = 3,
          .rpc = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
              "rapport.marketing.v1.Marketing"),
          .aggregates = {Aggregate<CampaignAggregate>(), Aggregate<CampaignMembershipAggregate>(),
                         Aggregate<RecoveryAggregate>()},
          .own_methods = {{.request = v1::GetCustomerProfileRequest::descriptor(),
                           .root_query = ReadProfile}},
          .parents_service = "accounts",
          .parents_collection = "customers",
          .joins = ProfileJoins(),
          .processes = RecoveryProcesses(settings.recovery_margin)};
}

}  // namespace rapport::marketing
