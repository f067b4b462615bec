#include "gateway/rest/routes.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "rapport/accounts/v1/accounts_service.pb.h"
#include "rapport/gateway/v1/gateway_service.pb.h"
#include "rapport/marketing/v1/marketing_service.pb.h"
#include "rapport/sales/v1/sales_service.pb.h"
#include "rapport/service/v1/service_service.pb.h"
#include "services/runtime/base/messages.h"

namespace rapport::rest {
namespace {

const google::protobuf::ServiceDescriptor* Service(const std::string& name) {
  return google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
}

const Routes& AllRoutes() {
  static const Routes* const routes = new Routes(*Routes::Build(
      {Service("rapport.accounts.v1.Accounts"), Service("rapport.sales.v1.Sales"),
       Service("rapport.service.v1.Service"), Service("rapport.marketing.v1.Marketing"),
       Service("rapport.gateway.v1.Gateway")}));
  return *routes;
}

TEST(PathTemplate, ReadsWhatGoogleApiHttpAllows) {
  const auto parsed = PathTemplate::Parse("/v1/{order.name=customers/*/orders/*}:cancel");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->segments, (std::vector<std::string>{"v1", "customers", "*", "orders", "*"}));
  EXPECT_EQ(parsed->verb, "cancel");
  ASSERT_EQ(parsed->variables.size(), 1u);
  EXPECT_EQ(parsed->variables[0].field, "order.name");
  EXPECT_EQ(parsed->variables[0].begin, 1);
  EXPECT_EQ(parsed->variables[0].end, 5);
  EXPECT_TRUE(PathTemplate::Parse("/v1/{id}/x").ok());
  EXPECT_EQ(PathTemplate::Parse("/v1/{rest=**}")->variables[0].end, -1);
}

TEST(PathTemplate, RefusesWhatIsBroken) {
  for (const char* text : {"", "v1", "/v1//x", "/v1/{name=a/*", "/v1/a}", "/v1/{a={b}}", "/v1/**/x",
                           "/v1/x:", "/v1/{}"}) {
    EXPECT_FALSE(PathTemplate::Parse(text).ok()) << text;
  }
}

struct Found {
  std::string verb;
  std::string path;
  std::string outcome;  // the method, "404", or "405 " and Allow
};

TEST(Routes, FindsMethods) {
  const Found table[] = {
      {"POST", "/v1/customers", "CreateCustomer"},
      {"GET", "/v1/customers", "ListCustomers"},
      {"GET", "/v1/customers/h1", "GetCustomer"},
      {"HEAD", "/v1/customers/h1", "GetCustomer"},
      {"PATCH", "/v1/customers/h1", "UpdateCustomer"},
      {"POST", "/v1/customers/h1:undelete", "UndeleteCustomer"},
      {"GET", "/v1/customers/h1/view", "GetCustomerView"},
      {"GET", "/v1/customers:view", "LookupCustomerView"},
      {"GET", "/v1/customers/-/orders", "ListOrders"},
      {"POST", "/v1/customers/h1/orders/b1:cancel", "CancelOrder"},
      {"POST", "/v1/customers/h1/orders/b1:return", "ReturnOrder"},
      {"POST", "/v1/customers/h1/cases/c1:escalate", "EscalateCase"},
      {"GET", "/v1/customers/-/activities", "ListActivities"},
      {"POST", "/v1/customers/h1/opportunities/o1:advance", "AdvanceOpportunity"},
      {"POST", "/v1/salesProcesses", "CreateSalesProcess"},
      {"POST", "/v1/priceBooks/b1:activate", "ActivatePriceBook"},
      {"GET", "/v1/priceBooks/-/prices", "ListPrices"},
      {"POST", "/v1/customers/h1/activities/a1:complete", "CompleteActivity"},
      {"GET", "/v1/customers/h%3A1", "GetCustomer"},
      {"PUT", "/v1/customers", "405 GET, HEAD, POST"},
      {"POST", "/v1/customers/h1", "405 DELETE, GET, HEAD, PATCH"},
      {"GET", "/v1/customers/h1:undelete", "405 POST"},
      {"GET", "/v1/customers/h1:nonsense", "404"},
      {"GET", "/v1/customers/", "404"},
      {"GET", "/v1//customers", "404"},
      {"GET", "/v1/customers/h1/nonsense", "404"},
      {"GET", "/v1/customers/:undelete", "404"},
      {"GET", "/", "404"},
      {"GET", "", "404"},
      {"GET", "*", "404"},
  };
  for (const Found& row : table) {
    const RouteMatch match = AllRoutes().Find(row.verb, row.path);
    const std::string outcome = match.route != nullptr ? match.route->method->name()
                                : match.allow.empty()  ? "404"
                                                       : "405 " + match.allow;
    EXPECT_EQ(outcome, row.outcome) << row.verb << " " << row.path;
  }
}

struct Filled {
  std::string verb;
  std::string path;
  std::string query;
  std::string body;
  std::string outcome;  // the request, or the error
};

TEST(Route, MakesRequests) {
  const Filled table[] = {
      {"GET", "/v1/customers/h1/orders/b1", "readMask=name,unitPrice", "",
       R"(name: "customers/h1/orders/b1" read_mask { paths: "name" paths: "unit_price" })"},
      {"GET", "/v1/customers/-/orders",
       "pageSize=5&filter=state+%3D+%22PLACED%22&showDeleted=true&order_by=x", "",
       R"(parent: "customers/-" page_size: 5 filter: "state = \"PLACED\"" order_by: "x" )"
       R"(show_deleted: true)"},
      {"PATCH", "/v1/customers/h1", "updateMask=displayName&validateOnly=true",
       R"({"displayName":"X"})",
       R"(customer { name: "customers/h1" display_name: "X" } update_mask { paths: )"
       R"("display_name" } validate_only: true)"},
      {"PATCH", "/v1/customers/h1", "", R"({"name":"customers/h1"})",
       R"(customer { name: "customers/h1" })"},
      {"POST", "/v1/customers/h1/orders", "orderId=b1&occurTime=2026-11-22T00:00:00Z", "{}",
       R"(parent: "customers/h1" order_id: "b1" order { } occur_time { seconds: 1795305600 })"},
      {"POST", "/v1/customers/h1/orders/b%2F1:cancel", "", R"({"reason":"late"})",
       R"(name: "customers/h1/orders/b%2F1" reason: "late")"},
      {"POST", "/v1/customers/h1:undelete", "", "", R"(name: "customers/h1")"},
      {"GET", "/v1/customers/z%C3%BCrich", "", "", R"(name: "customers/z\303\274rich")"},
      // Refused.
      {"GET", "/v1/customers/h1", "nonsense=1", "", "nonsense: unknown query parameter"},
      {"GET", "/v1/customers/h1", "readMask.x=1", "", "readMask.x: unknown query parameter"},
      {"GET", "/v1/customers/h1", "name=customers/h2", "", "name: is already in the path"},
      {"GET", "/v1/customers", "pageSize=1&page_size=2", "", "page_size: appears twice"},
      {"GET", "/v1/customers", "showDeleted=yes", "",
       "showDeleted: expected true or false, not \"yes\""},
      {"GET", "/v1/customers", "filter=%zz", "", "query: broken percent-encoding, or not UTF-8"},
      {"GET", "/v1/customers", "filter=%ff", "", "query: broken percent-encoding, or not UTF-8"},
      {"GET", "/v1/customers/h1", "", "{}", "body: this method takes none"},
      {"GET", "/v1/customers/h%0a1", "", "",
       "name: broken percent-encoding, control characters or not UTF-8"},
      {"PATCH", "/v1/customers/h1", "", R"({"name":"customers/h2"})",
       "customer.name: is not what the path says, customers/h1"},
      {"PATCH", "/v1/customers/h1", "customer.displayName=X", "{}",
       "customer.displayName: unknown query parameter: it belongs into the body"},
      {"POST", "/v1/customers/h1:undelete", "validateOnly=true", "{}",
       "validateOnly: unknown query parameter: this method takes all fields in its body"},
      {"POST", "/v1/customers/h1/orders", "", R"({"lines":[{"unitPrise":1}]})",
       "order.lines[0].unitPrise: unknown field; did you mean unitPrice"},
  };
  for (const Filled& row : table) {
    const RouteMatch match = AllRoutes().Find(row.verb, row.path);
    ASSERT_NE(match.route, nullptr) << row.path;
    const auto request = NewMessage(match.route->method->input_type());
    const absl::Status status = match.route->Fill(match, row.query, row.body, request.get());
    EXPECT_EQ(status.ok() ? request->ShortDebugString() : std::string(status.message()),
              row.outcome)
        << row.path;
  }
}

TEST(Routes, RefusesTwoMethodsOnOnePath) {
  const auto* accounts = Service("rapport.accounts.v1.Accounts");
  EXPECT_FALSE(Routes::Build({accounts, accounts}).ok());
}

TEST(ParseQuery, LimitsTheNumber) {
  std::string query = "a=1";
  for (size_t i = 0; i < kMaxQueryParameters; ++i) absl::StrAppend(&query, "&b=2");
  EXPECT_FALSE(ParseQuery(query).ok());
}

}  // namespace
}  // namespace rapport::rest
