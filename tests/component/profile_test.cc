// What is known of a customer over all services, and what follows from it.
#include "rapport/log/v1/history.pb.h"
#include "rapport/marketing/v1/profile.pb.h"
#include "rapport/marketing/v1/recovery.pb.h"
#include "rapport/sales/v1/activity.pb.h"
#include "rapport/service/v1/case.pb.h"
#include "services/runtime/base/hash.h"
#include "tests/component/client.h"

namespace rapport::component {
namespace {

using marketing::v1::CustomerProfile;
using marketing::v1::ListRecoveriesResponse;
using sales::v1::Activity;
using sales::v1::ListActivitiesResponse;

class ProfileTest : public NodeTest {
 protected:
  void SetUp() override {
    NodeTest::SetUp();
    Must(std::string(kSales) + "CreateProduct",
         "product_id: 'oats' product { display_name: 'Oats' }");
  }

  std::string Money(int64_t units) {
    return absl::StrCat("{ currency_code: 'USD' units: ", units, " }");
  }
  // Two pieces at `cost` each.
  Reply Order(const std::string& customer, const std::string& id, int64_t amount, int64_t cost) {
    return Must(std::string(kSales) + "CreateOrder",
                absl::StrCat("parent: 'customers/", customer, "' order_id: '", id,
                             "' order { lines { product: 'products/oats' quantity { value: '2' } "
                             "amount ",
                             Money(amount), " unit_cost ", Money(cost), " } }"));
  }
  Reply Complain(const std::string& customer, const std::string& id,
                 const std::string& kind = "COMPLAINT", CallMetadata metadata = {}) {
    return Must(std::string(kService) + "CreateCase",
                absl::StrCat("parent: 'customers/", customer, "' case_id: '", id,
                             "' case { kind: ", kind, " subject: 'It squeaks' }"),
                std::move(metadata));
  }
  // Holds at least what `after` said.
  CustomerProfile Profile(const std::string& customer, const Reply& after) {
    return Parsed<CustomerProfile>(Must(std::string(kMarketing) + "GetCustomerProfile",
                                        "name: 'customers/" + customer + "'", After(after)));
  }
  std::vector<Activity> Activities(const std::string& customer) {
    const auto list = Parsed<ListActivitiesResponse>(
        Must(std::string(kSales) + "ListActivities", "parent: 'customers/" + customer + "'"));
    return {list.activities().begin(), list.activities().end()};
  }
  // Waits until the processes have acted upon everything before: a later complaint of somebody whom
  // they do act upon came through, in every partition.
  void AwaitProcesses() {
    for (int partition = 0; partition < kPartitions; ++partition) {
      const std::string id = absl::StrCat("probe-", ++probes_, "-", partition);
      const std::string customer = CustomerIn(partition, id);
      CreateCustomer(customer, "owner: 'users/probe'");
      Profile(customer, Order(customer, "o", 5'000, 1));
      Complain(customer, "c");
      ASSERT_TRUE(testing_support::WaitUntil([&] { return !Activities(customer).empty(); }));
    }
  }
  static std::string CustomerIn(int partition, const std::string& stem) {
    for (int i = 0;; ++i) {
      std::string id = absl::StrCat(stem, "-", i);
      if (PartitionOf("customers/" + id, kPartitions) == partition) return id;
    }
  }

  int probes_ = 0;
};

TEST_F(ProfileTest, SumsWhatAllServicesKnow) {
  CreateCustomer("ada", "owner: 'users/7'");
  Order("ada", "first", 100, 30);
  Order("ada", "second", 60, 10);
  Must(std::string(kSales) + "CancelOrder", "name: 'customers/ada/orders/second' reason: 'x'");
  Must(std::string(kService) + "CreateInteraction",
       "parent: 'customers/ada' interaction { channel: PHONE direction: INBOUND summary: 's' "
       "cost " +
           Money(4) + " sentiment { value: 0.5 source: 'agent' } }");
  Must(std::string(kService) + "CreateInteraction",
       "parent: 'customers/ada' interaction_id: 'i' interaction { channel: EMAIL direction: "
       "INBOUND summary: 's' sentiment { value: -1 source: 'agent' } }");
  Complain("ada", "open", "QUESTION");
  Must(std::string(kService) + "ResolveCase",
       "name: '" + Parsed<service::v1::Case>(Complain("ada", "done")).name() +
           "' resolution { remedy: 'oil' }");
  const Reply last = Complain("ada", "later", "INCIDENT");
  Must(std::string(kMarketing) + "CreateCampaign",
       "campaign_id: 'spring' campaign { display_name: 'S' }");
  Must(std::string(kMarketing) + "CreateCampaignMembership",
       "parent: 'customers/ada' campaign_membership { campaign: 'campaigns/spring' }");
  const Reply responded =
      Must(std::string(kMarketing) + "RespondCampaignMembership",
           "name: 'customers/ada/campaignMemberships/spring' response: 'yes'", After(last));

  // Under a token, what came before is in it; other services' facts without one come soon.
  ASSERT_TRUE(
      testing_support::WaitUntil([&] { return Profile("ada", responded).order_count() == 1; }));
  const CustomerProfile profile = Profile("ada", responded);
  EXPECT_EQ(profile.name(), "customers/ada/profile");
  EXPECT_EQ(profile.owner(), "users/7");
  ASSERT_EQ(profile.purchases_size(), 1);
  EXPECT_EQ(profile.purchases(0).revenue().units(), 100);
  EXPECT_EQ(profile.purchases(0).margin().units(), 40);
  EXPECT_EQ(profile.open_cases(), 2);
  EXPECT_EQ(profile.resolved_cases(), 1);
  EXPECT_EQ(profile.complaints(), 1);
  EXPECT_EQ(profile.contacts().at("PHONE"), 1);
  EXPECT_EQ(profile.contacts().at("EMAIL"), 1);
  EXPECT_EQ(profile.contact_costs(0).units(), 4);
  EXPECT_DOUBLE_EQ(profile.mean_sentiment(), -0.25);
  EXPECT_DOUBLE_EQ(profile.last_sentiment(), -1);
  EXPECT_EQ(profile.campaigns(), 1);
  EXPECT_EQ(profile.campaign_responses(), 1);
}

TEST_F(ProfileTest, NeverAnswersStaleUnderAToken) {
  CreateCustomer("ada");
  for (int i = 1; i <= 50; ++i) {
    const Reply ordered = Order("ada", absl::StrCat("o", i), 10, 1);
    ASSERT_EQ(Profile("ada", ordered).order_count(), i);
  }
}

TEST_F(ProfileTest, WhatIsChangedLaterIsCountedAnew) {
  CreateCustomer("ada");
  Must(std::string(kService) + "CreateInteraction",
       "parent: 'customers/ada' interaction_id: 'i' interaction { channel: EMAIL direction: "
       "INBOUND summary: 's' sentiment { value: -1 source: 'agent' } cost " +
           Money(4) + " }");
  Reply changed = Must(std::string(kService) + "UpdateInteraction",
                       "interaction { name: 'customers/ada/interactions/i' sentiment { value: 1 "
                       "source: 'model' } cost " +
                           Money(9) + " }");
  EXPECT_DOUBLE_EQ(Profile("ada", changed).mean_sentiment(), 1);
  EXPECT_EQ(Profile("ada", changed).contact_costs(0).units(), 9);
  changed =
      Must(std::string(kService) + "DeleteInteraction", "name: 'customers/ada/interactions/i'");
  EXPECT_FALSE(Profile("ada", changed).has_mean_sentiment());
  EXPECT_TRUE(Profile("ada", changed).contacts().empty());
}

TEST_F(ProfileTest, OfAnUnknownCustomerIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(
      Do(std::string(kMarketing) + "GetCustomerProfile", "name: 'customers/nobody'").status));
}

TEST_F(ProfileTest, AValuableCustomersComplaintBringsOneCallOfTheOwner) {
  CreateCustomer("ada", "owner: 'users/7'");
  Profile("ada", Order("ada", "o", 1'000, 200));
  Complain("ada", "c");
  ASSERT_TRUE(testing_support::WaitUntil([&] { return !Activities("ada").empty(); }));
  const auto recoveries = Parsed<ListRecoveriesResponse>(
      Must(std::string(kMarketing) + "ListRecoveries", "parent: 'customers/ada'"));
  ASSERT_EQ(recoveries.recoveries_size(), 1);
  EXPECT_EQ(recoveries.recoveries(0).name(), "customers/ada/recoveries/c");
  EXPECT_EQ(recoveries.recoveries(0).margin().units(), 600);
  EXPECT_EQ(recoveries.recoveries(0).threshold().units(), 500);
  const Activity activity = Activities("ada")[0];
  EXPECT_EQ(activity.kind(), Activity::CALL);
  EXPECT_EQ(activity.assignee(), "users/7");
  EXPECT_EQ(activity.source(), "customers/ada/cases/c");

  AwaitProcesses();
  Restart();
  AwaitProcesses();
  EXPECT_EQ(Activities("ada").size(), 1);
}

TEST_F(ProfileTest, OthersBringNone) {
  CreateCustomer("poor");
  Profile("poor", Order("poor", "o", 600, 100));
  CreateCustomer("asking");
  Profile("asking", Order("asking", "o", 1'000, 100));
  Complain("poor", "c");
  Complain("asking", "c", "QUESTION");
  // Happened long ago, and is only recorded now.
  Must(std::string(kService) + "CreateCase",
       "parent: 'customers/asking' case_id: 'old' case { kind: COMPLAINT subject: 'x' } "
       "occur_time { seconds: 1500000000 }");
  AwaitProcesses();
  EXPECT_TRUE(Activities("poor").empty());
  EXPECT_TRUE(Activities("asking").empty());
}

}  // namespace
}  // namespace rapport::component
