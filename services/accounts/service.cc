#include "services/accounts/service.h"

#include "services/accounts/domain/contact_point.h"
#include "services/accounts/domain/customer.h"
#include "services/accounts/lookup.h"

namespace rapport::accounts {

ServiceSpec Spec() {
  return {.name = "accounts",
          .number = 0,
          .rpc = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
              "rapport.accounts.v1.Accounts"),
          .aggregates = {Aggregate<CustomerAggregate>(), Aggregate<ContactPointAggregate>()},
          .own_methods = {Query(LookupCustomers)}};
}

}  // namespace rapport::accounts
