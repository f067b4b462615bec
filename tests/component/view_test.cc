// The customer view and the timeline.
#include <algorithm>
#include <set>
#include <thread>

#include "rapport/gateway/v1/view.pb.h"
#include "services/runtime/base/time.h"
#include "tests/component/client.h"

namespace rapport::component {
namespace {

using gateway::v1::CustomerView;
using gateway::v1::ListTimelineRequest;
using gateway::v1::ListTimelineResponse;

const char kGetView[] = "rapport.gateway.v1.Gateway.GetCustomerView";
const char kListTimeline[] = "rapport.gateway.v1.Gateway.ListTimeline";

class ViewTest : public NodeTest {
 protected:
  void SetUp() override {
    NodeTest::SetUp();
    CreateCustomer("ada");
    Must("rapport.sales.v1.Sales.CreateProduct",
         "product_id: 'oats' product { display_name: 'Oats' }");
  }
  // `occur_seconds` orders what the view shows.
  void Log(int64_t occur_seconds) {
    Must("rapport.service.v1.Service.CreateInteraction",
         absl::StrCat("parent: 'customers/ada' interaction_id: 'i", occur_seconds,
                      "' interaction { channel: PHONE direction: INBOUND summary: 'x' } "
                      "occur_time { seconds: ",
                      occur_seconds, " }"));
  }
  void OpenCase(int64_t occur_seconds) {
    Must("rapport.service.v1.Service.CreateCase",
         absl::StrCat("parent: 'customers/ada' case_id: 'c", occur_seconds,
                      "' case { kind: COMPLAINT subject: 'x' } occur_time { seconds: ",
                      occur_seconds, " }"));
  }
  Reply Order(int64_t occur_seconds) {
    return Must(
        "rapport.sales.v1.Sales.CreateOrder",
        absl::StrCat("parent: 'customers/ada' order_id: 'o", occur_seconds,
                     "' order { lines { product: 'products/oats' quantity { value: '1' } amount { "
                     "currency_code: 'USD' units: 3 } } } occur_time { seconds: ",
                     occur_seconds, " }"));
  }
  void Join(int i) {
    Must("rapport.marketing.v1.Marketing.CreateCampaign",
         absl::StrCat("campaign_id: 'x", i, "' campaign { display_name: 'Campaign ", i, "' }"));
    Must("rapport.marketing.v1.Marketing.CreateCampaignMembership",
         absl::StrCat("parent: 'customers/ada' campaign_membership { campaign: 'campaigns/x", i,
                      "' } occur_time { seconds: ", i, " }"));
  }
  void AddContact(int64_t occur_seconds) {
    Must("rapport.accounts.v1.Accounts.CreateContactPoint",
         absl::StrCat("parent: 'customers/ada' contact_point_id: 'p", occur_seconds,
                      "' contact_point { email: 'ada", occur_seconds,
                      "@example.com' } occur_time { seconds: ", occur_seconds, " }"));
  }
  void Relate(int64_t occur_seconds) {
    const std::string other = absl::StrCat("other", occur_seconds);
    CreateCustomer(other);
    Must("rapport.accounts.v1.Accounts.CreateRelationship",
         absl::StrCat("parent: 'customers/ada' relationship_id: 'r", occur_seconds,
                      "' relationship { type: REFERRED_BY object: 'customers/", other,
                      "' } occur_time { seconds: ", occur_seconds, " }"));
  }
  void Want(int64_t occur_seconds) {
    Must("rapport.sales.v1.Sales.CreateOpportunity",
         absl::StrCat("parent: 'customers/ada' opportunity_id: 'd", occur_seconds,
                      "' opportunity { process: 'salesProcesses/short' display_name: 'Deal' } "
                      "occur_time { seconds: ",
                      occur_seconds, " }"));
  }
  CustomerView View(const std::string& mask = "", CallMetadata metadata = {}) {
    return Parsed<CustomerView>(
        Must(kGetView, "name: 'customers/ada' " + mask, std::move(metadata)));
  }
  static std::string Key(const log::v1::Event& event) {
    return absl::StrCat(event.service(), "/", event.sequence());
  }
  // The keys of all pages, in their order. `between` runs after each page.
  std::vector<std::string> Timeline(
      ListTimelineRequest request, const std::function<void()>& between = [] {}) {
    std::vector<std::string> keys;
    request.set_name("customers/ada");
    std::tuple<int64_t, std::string, int64_t> last = {INT64_MAX, "", 0};
    do {
      const auto page = Parsed<ListTimelineResponse>(Must(kListTimeline, request));
      for (const auto& event : page.events()) {
        keys.push_back(Key(event));
        EXPECT_LE(ToMicros(event.record_time()), std::get<0>(last)) << "not newest first";
        std::get<0>(last) = ToMicros(event.record_time());
      }
      request.set_page_token(page.next_page_token());
      between();
    } while (!request.page_token().empty());
    return keys;
  }
};

TEST_F(ViewTest, OfANewCustomerIsTheCustomer) {
  const CustomerView view = View();
  EXPECT_EQ(view.name(), "customers/ada/view");
  EXPECT_EQ(view.customer().display_name(), "Ada");
  EXPECT_EQ(view.orders_size() + view.cases_size() + view.interactions_size(), 0);
  EXPECT_EQ(view.missing_parts_size(), 0);
}

TEST_F(ViewTest, ShowsTheNewestOfEachPart) {
  for (int i = 1; i <= 23; ++i) Log(i);
  for (int i = 1; i <= 12; ++i) {
    OpenCase(i);
    Order(i);
    Join(i);
  }
  const CustomerView view = View();
  ASSERT_EQ(view.interactions_size(), 20);
  ASSERT_EQ(view.cases_size(), 10);
  ASSERT_EQ(view.orders_size(), 10);
  ASSERT_EQ(view.campaigns_size(), 10);
  EXPECT_EQ(view.interactions(0).name(), "customers/ada/interactions/i23");
  EXPECT_EQ(view.interactions(19).name(), "customers/ada/interactions/i4");
  EXPECT_EQ(view.cases(0).name(), "customers/ada/cases/c12");
  EXPECT_EQ(view.orders(9).name(), "customers/ada/orders/o3");
  for (const auto& part : view.campaigns()) {
    EXPECT_EQ(part.campaign().name(), part.membership().campaign());
    EXPECT_FALSE(part.campaign().display_name().empty());
  }
}

TEST_F(ViewTest, ShowsWhereTheCustomerIsReachedWhomItBelongsToAndWhatItMayBuy) {
  Must("rapport.sales.v1.Sales.CreateSalesProcess",
       "sales_process_id: 'short' sales_process { display_name: 'Short' stages { stage_id: 'talk' "
       "display_name: 'Talk' probability_percent: 10 category: PIPELINE } }");
  for (int i = 1; i <= 22; ++i) {
    AddContact(i);
    Relate(i);
  }
  for (int i = 1; i <= 12; ++i) Want(i);
  const CustomerView view = View();
  ASSERT_EQ(view.contact_points_size(), 20);
  ASSERT_EQ(view.relationships_size(), 20);
  ASSERT_EQ(view.opportunities_size(), 10);
  EXPECT_EQ(view.contact_points(0).name(), "customers/ada/contactPoints/p22");
  EXPECT_EQ(view.contact_points(19).email(), "ada3@example.com");
  EXPECT_EQ(view.relationships(0).object(), "customers/other22");
  EXPECT_EQ(view.opportunities(9).name(), "customers/ada/opportunities/d3");
}

TEST_F(ViewTest, ShowsTheFiguresAsOfItsConsistencyToken) {
  for (int i = 1; i <= 20; ++i) {
    const Reply ordered = Order(i);
    const CustomerView view = View("", After(ordered));
    EXPECT_EQ(view.profile().name(), "customers/ada/profile");
    ASSERT_EQ(view.profile().order_count(), i);
  }
}

TEST_F(ViewTest, WithoutAConsistencyTokenTheFiguresComeSoon) {
  Order(1);
  EXPECT_TRUE(testing_support::WaitUntil([&] {
    const CustomerView view = View("read_mask { paths: 'profile' }");
    EXPECT_EQ(view.missing_parts_size(), 0) << "no figures yet are no gap";
    return view.profile().order_count() == 1;
  }));
}

TEST_F(ViewTest, ReadsWhatTheMaskNames) {
  Log(1);
  OpenCase(1);
  AddContact(1);
  const Reply ordered = Order(1);
  CustomerView view = View("read_mask { paths: 'orders' }");
  EXPECT_EQ(view.name(), "customers/ada/view");
  EXPECT_EQ(view.orders_size(), 1);
  EXPECT_FALSE(view.has_customer());
  EXPECT_EQ(view.cases_size() + view.interactions_size() + view.missing_parts_size(), 0);
  view = View("read_mask { paths: 'customer.display_name' paths: 'cases.subject' }");
  EXPECT_EQ(view.customer().display_name(), "Ada");
  EXPECT_EQ(view.customer().kind(), accounts::v1::Customer::KIND_UNSPECIFIED);
  EXPECT_EQ(view.cases(0).subject(), "x");
  EXPECT_EQ(view.cases(0).name(), "");
  EXPECT_FALSE(view.has_profile());
  view = View("read_mask { paths: 'profile.order_count' paths: 'contact_points' }", After(ordered));
  EXPECT_EQ(view.profile().order_count(), 1);
  EXPECT_EQ(view.profile().name(), "");
  EXPECT_EQ(view.contact_points_size(), 1);
  EXPECT_EQ(view.orders_size() + view.opportunities_size(), 0);
  view = View("read_mask { paths: '*' }");
  EXPECT_TRUE(view.has_customer());
  EXPECT_EQ(view.interactions_size(), 1);
  EXPECT_EQ(ReasonOf(Do(kGetView, "name: 'customers/ada' read_mask { paths: 'nonsense' }").status),
            "read_mask");
}

TEST_F(ViewTest, OfNobodyIsNotFound) {
  for (const char* mask : {"", " read_mask { paths: 'orders' }"}) {
    EXPECT_TRUE(
        absl::IsNotFound(Do(kGetView, std::string("name: 'customers/nobody'") + mask).status));
  }
  EXPECT_TRUE(absl::IsNotFound(Do(kListTimeline, "name: 'customers/nobody'").status));
  EXPECT_EQ(ReasonOf(Do(kGetView, "name: 'products/oats'").status), "name");
}

TEST_F(ViewTest, OfADeletedCustomerCanBeRead) {
  OpenCase(1);
  Must("rapport.accounts.v1.Accounts.DeleteCustomer", "name: 'customers/ada'");
  EXPECT_TRUE(View().customer().has_delete_time());
  EXPECT_EQ(View().cases_size(), 1);
}

TEST_F(ViewTest, TimelineShowsEveryEventOnceWithAnyPageSize) {
  for (int i = 1; i <= 4; ++i) {
    Log(i);
    Order(i);
    OpenCase(i);
    Join(i);
  }
  const std::vector<std::string> all = Timeline({});
  EXPECT_EQ(all.size(), 17u);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
  EXPECT_EQ(all.back(), "accounts/1");
  for (int page_size = 1; page_size <= 18; ++page_size) {
    ListTimelineRequest request;
    request.set_page_size(page_size);
    EXPECT_EQ(Timeline(request), all) << page_size;
  }
}

// What comes after the first page belongs to the next reading.
TEST_F(ViewTest, TimelineIsFrozenAtItsFirstPage) {
  for (int i = 1; i <= 5; ++i) {
    Log(i);
    Order(i);
  }
  const std::vector<std::string> all = Timeline({});
  int late = 100;
  ListTimelineRequest request;
  request.set_page_size(2);
  EXPECT_EQ(Timeline(request,
                     [&] {
                       Log(++late);
                       OpenCase(++late);
                       Order(++late);
                       if (late < 104) Join(late);
                     }),
            all);
}

TEST_F(ViewTest, TimelineFilters) {
  for (int i = 1; i <= 3; ++i) {
    Log(i);
    Order(i);
  }
  ListTimelineRequest request;
  request.set_page_size(2);
  request.set_filter("service = \"sales\"");
  EXPECT_EQ(Timeline(request), (std::vector<std::string>{"sales/3", "sales/2", "sales/1"}));
  request.set_filter("service = \"nothing\"");
  EXPECT_TRUE(Timeline(request).empty());
  EXPECT_EQ(ReasonOf(Do(kListTimeline, "name: 'customers/ada' filter: 'nonsense = 1'").status),
            "filter");
}

// A long history, a small page, a filter that nothing matches: neither deep nor slow.
TEST_F(ViewTest, TimelineOfALongHistoryWithARareFilterIsAnswered) {
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 16; ++writer) {
    writers.emplace_back([this, writer] {
      for (int i = 0; i < 1'250; ++i) Log(1 + writer * 10'000 + i);
    });
  }
  for (auto& writer : writers) writer.join();
  ListTimelineRequest request;
  request.set_name("customers/ada");
  request.set_page_size(1);
  request.set_filter("service = \"nothing\"");
  EXPECT_TRUE(Do(kListTimeline, request).status.ok());
  request.set_filter("service = \"accounts\"");
  EXPECT_EQ(Timeline(request), (std::vector<std::string>{"accounts/1"}));
}

TEST_F(ViewTest, TimelineRefusesATokenOfAnotherQuery) {
  Log(1);
  ListTimelineRequest request;
  request.set_name("customers/ada");
  request.set_page_size(1);
  const auto page = Parsed<ListTimelineResponse>(Must(kListTimeline, request));
  request.set_page_token(page.next_page_token());
  request.set_filter("service = \"service\"");
  EXPECT_EQ(ReasonOf(Do(kListTimeline, request).status), "page_token");
  CreateCustomer("bob");
  request.clear_filter();
  request.set_name("customers/bob");
  EXPECT_EQ(ReasonOf(Do(kListTimeline, request).status), "page_token");
}

}  // namespace
}  // namespace rapport::component
