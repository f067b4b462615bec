#include "services/service/service.h"

#include "rapport/service/v1/service_service.pb.h"
#include "services/service/domain/asset.h"
#include "services/service/domain/case.h"
#include "services/service/domain/interaction.h"

namespace rapport::service {

ServiceSpec Spec() {
  return {.name = "service",
          .number = 2,
          .rpc = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
              "rapport.service.v1.Service"),
          .aggregates = {Aggregate<InteractionAggregate>(), Aggregate<CaseAggregate>(),
                         Aggregate<AssetAggregate>()},
          .parents_service = "accounts",
          .parents_collection = "customers"};
}

}  // namespace rapport::service
