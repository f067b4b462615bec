#include "services/accounts/service.h"

#include "rapport/accounts/v1/upsert.pb.h"
#include "services/accounts/domain/contact_point.h"
#include "services/accounts/domain/customer.h"
#include "services/accounts/domain/external_id.h"
#include "services/accounts/domain/relationship.h"
#include "services/accounts/lookup.h"
#include "services/accounts/upsert.h"

namespace rapport::accounts {

ServiceSpec Spec() {
  return {.name = "accounts",
          .number = 0,
          .rpc = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
              "rapport.accounts.v1.Accounts"),
          .aggregates = {Aggregate<CustomerAggregate>(), Aggregate<ContactPointAggregate>(),
                         Aggregate<ExternalIdAggregate>(), Aggregate<RelationshipAggregate>()},
          .spread = {"customers", "externalIds"},
          .own_methods = {Query(LookupCustomers), Flow<v1::UpsertCustomerRequest>(UpsertCustomer)}};
}

}  // namespace rapport::accounts
