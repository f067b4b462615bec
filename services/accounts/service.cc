#include "services/accounts/service.h"

#include "rapport/accounts/v1/customer.pb.h"
#include "services/accounts/domain/contact_point.h"
#include "services/accounts/lookup.h"

namespace rapport::accounts {

ServiceSpec Spec() {
  return {
      .name = "accounts",
      .number = 0,
      .rpc = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
          "rapport.accounts.v1.Accounts"),
      .aggregates = {Plain<v1::Customer, v1::CustomerEvent>(), Aggregate<ContactPointAggregate>()},
      .own_methods = {Query(LookupCustomers)}};
}

}  // namespace rapport::accounts
