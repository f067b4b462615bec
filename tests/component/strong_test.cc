// Rapport-Read: strong: whatever was acknowledged before is seen, without a token.
#include "rapport/gateway/v1/view.pb.h"
#include "rapport/marketing/v1/profile.pb.h"
#include "rapport/service/v1/interaction.pb.h"
#include "tests/component/client.h"

namespace rapport::component {
namespace {

const CallMetadata kStrong{.read = "strong"};

class StrongTest : public NodeTest {
 protected:
  void LogInteraction(const std::string& customer) {
    Must(std::string(kService) + "CreateInteraction",
         "parent: 'customers/" + customer +
             "' interaction { channel: PHONE direction: INBOUND summary: 's' }");
  }
};

TEST_F(StrongTest, WhatOtherServicesAcknowledgedIsInTheProfile) {
  CreateCustomer("ada");
  for (int i = 1; i <= 50; ++i) {
    LogInteraction("ada");
    const auto profile = Parsed<marketing::v1::CustomerProfile>(
        Must(std::string(kMarketing) + "GetCustomerProfile", "name: 'customers/ada'", kStrong));
    ASSERT_EQ(profile.contacts().at("PHONE"), i);
  }
}

TEST_F(StrongTest, EveryKindOfReadCanBe) {
  CreateCustomer("ada");
  LogInteraction("ada");
  for (const auto& [method, text] : std::vector<std::pair<std::string, std::string>>{
           {"rapport.accounts.v1.Accounts.GetCustomer", "name: 'customers/ada'"},
           {"rapport.accounts.v1.Accounts.ListCustomers", ""},
           {"rapport.accounts.v1.Accounts.LookupCustomers", "email: 'ada@example.com'"},
           {"rapport.service.v1.Service.ListInteractions", "parent: 'customers/-'"},
           {"rapport.service.v1.Service.ListEvents", "name: 'customers/ada'"},
           {"rapport.sales.v1.Sales.ListProducts", ""},
           {"rapport.gateway.v1.Gateway.ListTimeline", "name: 'customers/ada'"}}) {
    Must(method, text, kStrong);
  }
  const auto view = Parsed<gateway::v1::CustomerView>(
      Must(std::string(kGateway) + "GetCustomerView", "name: 'customers/ada'", kStrong));
  EXPECT_EQ(view.interactions_size(), 1);
  EXPECT_EQ(view.missing_parts_size(), 0);
}

TEST_F(StrongTest, AnotherWordIsRefused) {
  CreateCustomer("ada");
  const Reply refused = Do(std::string(kAccounts) + "GetCustomer", "name: 'customers/ada'",
                           CallMetadata{.read = "stron"});
  EXPECT_EQ(ReasonOf(refused.status), "Rapport-Read");
}

}  // namespace
}  // namespace rapport::component
