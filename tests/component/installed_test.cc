// Deployments without some of the services, and what comes when one is added.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "rapport/gateway/v1/view.pb.h"
#include "rapport/service/v1/case.pb.h"
#include "tests/component/client.h"

namespace rapport::component {
namespace {

using gateway::v1::CustomerView;
using testing::ElementsAre;
using testing::HasSubstr;

const char kCreateCase[] = "rapport.service.v1.Service.CreateCase";
const char kGetCase[] = "rapport.service.v1.Service.GetCase";
const char kGetView[] = "rapport.gateway.v1.Gateway.GetCustomerView";
const char kListTimeline[] = "rapport.gateway.v1.Gateway.ListTimeline";

class InstalledTest : public NodeTest {
 protected:
  void SetUp() override {}
  absl::Status StartWith(std::vector<std::string> services) {
    node_.reset();
    NodeOptions options = Options(kPartitions);
    options.services = std::move(services);
    node_ = std::make_unique<Node>(std::move(options));
    return StartAlone(*node_);
  }
  Reply OpenCase(const std::string& customer, const std::string& id) {
    return Do(kCreateCase, "parent: 'customers/" + customer + "' case_id: '" + id +
                               "' case { kind: COMPLAINT subject: 'x' }");
  }
  CustomerView View(const std::string& mask = "") {
    return Parsed<CustomerView>(Do(kGetView, "name: 'customers/ada' " + mask));
  }
};

TEST_F(InstalledTest, TheViewNamesWhatIsNotInstalled) {
  ASSERT_TRUE(StartWith({"accounts", "service"}).ok());
  CreateCustomer("ada");
  ASSERT_TRUE(OpenCase("ada", "c").status.ok());
  const CustomerView view = View();
  EXPECT_THAT(view.not_installed(), ElementsAre("orders", "campaigns", "profile", "opportunities"));
  EXPECT_EQ(view.missing_parts_size(), 0);
  EXPECT_EQ(view.customer().display_name(), "Ada");
  EXPECT_EQ(view.cases_size(), 1);
  EXPECT_THAT(View("read_mask { paths: 'orders' paths: 'cases' }").not_installed(),
              ElementsAre("orders"));
  EXPECT_THAT(View("read_mask { paths: 'profile.order_count' }").not_installed(),
              ElementsAre("profile"));
  EXPECT_EQ(View("read_mask { paths: 'cases' }").not_installed_size(), 0);
}

TEST_F(InstalledTest, TheScreenPopNeedsAccountsAndNamesWhatElseIsNotInstalled) {
  const std::string pop = std::string(kGateway) + "LookupCustomerView";
  const std::string email = "email: 'ada@example.com'";
  ASSERT_TRUE(StartWith({"service"}).ok());
  const Reply refused = Do(pop, email);
  EXPECT_TRUE(absl::IsUnimplemented(refused.status)) << refused.status;
  EXPECT_EQ(refused.status, Do(std::string(kAccounts) + "LookupCustomers", email).status);
  ASSERT_TRUE(StartWith({"accounts", "service"}).ok());
  CreateCustomer("ada");
  Must(std::string(kAccounts) + "CreateContactPoint",
       "parent: 'customers/ada' contact_point { " + email + " }");
  const auto popped = Parsed<gateway::v1::LookupCustomerViewResponse>(Must(pop, email));
  EXPECT_EQ(popped.view().customer().display_name(), "Ada");
  EXPECT_THAT(popped.view().not_installed(),
              ElementsAre("orders", "campaigns", "profile", "opportunities"));
}

TEST_F(InstalledTest, ACallToWhatIsNotInstalledSaysSo) {
  ASSERT_TRUE(StartWith({"accounts"}).ok());
  for (const std::string method :
       {"rapport.sales.v1.Sales.ListOrders", "rapport.service.v1.Service.CreateCase"}) {
    const Reply refused = Do(method, "parent: 'customers/ada'");
    EXPECT_TRUE(absl::IsUnimplemented(refused.status)) << refused.status;
    EXPECT_THAT(std::string(refused.status.message()), HasSubstr("is not installed here"));
  }
}

TEST_F(InstalledTest, WithoutAccountsNoCustomerIsChecked) {
  ASSERT_TRUE(StartWith({"service"}).ok());
  EXPECT_TRUE(OpenCase("ada", "c").status.ok());
  const CustomerView view = View();
  EXPECT_THAT(view.not_installed(),
              ElementsAre("customer", "orders", "campaigns", "profile", "contact_points",
                          "relationships", "opportunities"));
  EXPECT_EQ(view.cases_size(), 1);
  const Reply timeline = Must(kListTimeline, "name: 'customers/ada'");
  EXPECT_EQ(Parsed<gateway::v1::ListTimelineResponse>(timeline).events_size(), 1);
}

// Accounts comes late: from then on it decides, and what was there before stays to be read.
TEST_F(InstalledTest, AccountsAddedLaterDecidesFromThenOn) {
  ASSERT_TRUE(StartWith({"service"}).ok());
  ASSERT_TRUE(OpenCase("ada", "before").status.ok());
  ASSERT_TRUE(StartWith({"accounts", "service"}).ok());
  EXPECT_TRUE(absl::IsNotFound(OpenCase("ada", "orphan").status));
  EXPECT_TRUE(Do(kGetCase, "name: 'customers/ada/cases/before'").status.ok());
  CreateCustomer("ada");
  EXPECT_TRUE(OpenCase("ada", "after").status.ok());
  EXPECT_EQ(View().cases_size(), 2);
}

// Service comes late: it follows accounts' log from its beginning.
TEST_F(InstalledTest, AServiceAddedLaterKnowsTheCustomersOfBefore) {
  ASSERT_TRUE(StartWith({"accounts"}).ok());
  for (int i = 0; i < 20; ++i) CreateCustomer(absl::StrCat("c", i));
  Must("rapport.accounts.v1.Accounts.DeleteCustomer", "name: 'customers/c7'");
  ASSERT_TRUE(StartWith({"accounts", "service"}).ok());
  for (int i = 0; i < 20; ++i) {
    const absl::Status opened = OpenCase(absl::StrCat("c", i), "x").status;
    EXPECT_EQ(opened.code(), i == 7 ? absl::StatusCode::kFailedPrecondition : absl::StatusCode::kOk)
        << i << ": " << opened;
  }
  EXPECT_TRUE(absl::IsNotFound(OpenCase("nobody", "x").status));
}

// What happened in accounts while service was away is caught up with.
TEST_F(InstalledTest, AServiceThatWasAwayCatchesUp) {
  ASSERT_TRUE(StartWith({"accounts", "service"}).ok());
  CreateCustomer("ada");
  ASSERT_TRUE(OpenCase("ada", "first").status.ok());
  ASSERT_TRUE(StartWith({"accounts"}).ok());
  EXPECT_THAT(View().not_installed(), ElementsAre("orders", "cases", "interactions", "campaigns",
                                                  "profile", "opportunities"));
  CreateCustomer("bob");
  Must("rapport.accounts.v1.Accounts.DeleteCustomer", "name: 'customers/ada'");
  ASSERT_TRUE(StartWith({"accounts", "service"}).ok());
  EXPECT_TRUE(OpenCase("bob", "x").status.ok());
  EXPECT_EQ(ReasonOf(OpenCase("ada", "second").status), "DELETED");
  EXPECT_EQ(View().cases_size(), 1);
}

TEST_F(InstalledTest, AnUnknownServiceIsRefusedWithTheKnownOnes) {
  const absl::Status refused = StartWith({"accounts", "billing"});
  EXPECT_TRUE(absl::IsInvalidArgument(refused));
  EXPECT_EQ(refused.message(),
            "there is no service \"billing\"; there are accounts, sales, service, marketing");
  EXPECT_TRUE(absl::IsInvalidArgument(StartWith({})));
}

}  // namespace
}  // namespace rapport::component
