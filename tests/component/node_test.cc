// Customers, references, tokens, limits and threads against a whole node.
#include <random>
#include <thread>

#include "absl/strings/match.h"
#include "rapport/accounts/v1/customer.pb.h"
#include "rapport/log/v1/history.pb.h"
#include "rapport/marketing/v1/campaign_membership.pb.h"
#include "rapport/sales/v1/order.pb.h"
#include "rapport/sales/v1/price.pb.h"
#include "rapport/service/v1/case.pb.h"
#include "services/runtime/aggregate/consistency.h"
#include "tests/component/client.h"

namespace rapport::component {
namespace {

using accounts::v1::Customer;
using sales::v1::Order;

const char kCreateCase[] = "rapport.service.v1.Service.CreateCase";
const char kCreateOrder[] = "rapport.sales.v1.Sales.CreateOrder";

std::string CaseOf(const std::string& customer) {
  return "parent: 'customers/" + customer + "' case_id: 'c' case { kind: COMPLAINT subject: 'x' }";
}
std::string Line(const std::string& product, int64_t units = 1, int nanos = 0) {
  return absl::StrCat("lines { product: '", product,
                      "' quantity { value: '1' } amount { currency_code: 'USD' units: ", units,
                      " nanos: ", nanos, " } }");
}

// --- customers and their children

TEST_F(NodeTest, ChildrenOfADeletedCustomerCanBeReadButNotWritten) {
  CreateCustomer("ada");
  Must(kCreateCase, CaseOf("ada"));
  const Reply deleted = Must(std::string(kAccounts) + "DeleteCustomer", "name: 'customers/ada'");
  EXPECT_TRUE(Must(std::string(kService) + "GetCase", "name: 'customers/ada/cases/c'").status.ok());
  const std::string close = "name: 'customers/ada/cases/c' resolution { remedy: 'oil' }";
  EXPECT_EQ(ReasonOf(Do(std::string(kService) + "ResolveCase", close, After(deleted)).status),
            "DELETED");
  const Reply undeleted =
      Must(std::string(kAccounts) + "UndeleteCustomer", "name: 'customers/ada'");
  EXPECT_TRUE(Do(std::string(kService) + "ResolveCase", close).status.ok());
}

TEST_F(NodeTest, AChildOfAnUnknownCustomerIsRefused) {
  EXPECT_TRUE(absl::IsNotFound(Do(kCreateCase, CaseOf("nobody")).status));
}

TEST_F(NodeTest, AChildFollowsItsCustomerAtOnce) {
  for (int i = 0; i < 100; ++i) {
    CreateCustomer(absl::StrCat("c", i));
    ASSERT_TRUE(Do(kCreateCase, CaseOf(absl::StrCat("c", i))).status.ok()) << i;
  }
}

// --- references

TEST_F(NodeTest, AnUnknownReferenceIsRefusedByItsField) {
  CreateCustomer("ada");
  Must(std::string(kSales) + "CreateProduct", "product_id: 'oats' product { display_name: 'O' }");
  const Reply refused = Do(kCreateOrder, "parent: 'customers/ada' order { " +
                                             Line("products/oats") + Line("products/none") + " }");
  EXPECT_EQ(ReasonOf(refused.status), "order.lines[1].product");
  EXPECT_EQ(ReasonOf(Do(std::string(kMarketing) + "CreateCampaignMembership",
                        "parent: 'customers/ada' campaign_membership { campaign: 'campaigns/x' }")
                         .status),
            "campaign_membership.campaign");
}

TEST_F(NodeTest, ADeletedReferenceIsRefusedForWhatIsNewOnly) {
  CreateCustomer("ada");
  Must(std::string(kSales) + "CreateProduct", "product_id: 'oats' product { display_name: 'O' }");
  const std::string order =
      "parent: 'customers/ada' order_id: 'o' order { " + Line("products/oats") + " }";
  Order placed = Parsed<Order>(Must(kCreateOrder, order));
  Must(std::string(kSales) + "DeleteProduct", "name: 'products/oats'");
  EXPECT_EQ(
      ReasonOf(Do(kCreateOrder, "parent: 'customers/ada' order { " + Line("products/oats") + " }")
                   .status),
      "order.lines[0].product");
  // Whoever reads an order and sends it back with another note changes the note only.
  sales::v1::UpdateOrderRequest update;
  placed.set_note("ring twice");
  *update.mutable_order() = placed;
  update.mutable_update_mask()->add_paths("note");
  const Reply noted = Do(std::string(kSales) + "UpdateOrder", update);
  EXPECT_TRUE(noted.status.ok()) << noted.status;
}

TEST_F(NodeTest, ACaseIsAPartOfOneThatThereIs) {
  CreateCustomer("ada");
  const auto part_of = [&](const std::string& id, const std::string& parent) {
    return Do(kCreateCase, "parent: 'customers/ada' case_id: '" + id +
                               "' case { kind: INCIDENT subject: 'x' parent_case: "
                               "'customers/ada/cases/" +
                               parent + "' }");
  };
  Must(kCreateCase, "parent: 'customers/ada' case_id: 'house' case { kind: REQUEST subject: 'x' }");
  EXPECT_TRUE(part_of("door", "house").status.ok());
  EXPECT_TRUE(part_of("lock", "door").status.ok());
  EXPECT_EQ(ReasonOf(part_of("roof", "none").status), "case.parent_case");
  EXPECT_EQ(ReasonOf(part_of("self", "self").status), "case.parent_case");
  const auto parts = Parsed<service::v1::ListCasesResponse>(
      Must(std::string(kService) + "ListCases",
           "parent: 'customers/ada' filter: 'parent_case=\"customers/ada/cases/house\"'"));
  ASSERT_EQ(parts.cases_size(), 1);
  EXPECT_EQ(parts.cases(0).name(), "customers/ada/cases/door");
}

// Nothing is waited for between the commands, so that they are decided in batches of any size: what
// was decided just before counts, in the log or not yet.
TEST_F(NodeTest, ACaseIsNotClosedWhileAPartOfItIsOpen) {
  CreateCustomer("ada");
  Must(kCreateCase, "parent: 'customers/ada' case_id: 'house' case { kind: REQUEST subject: 'x' }");
  Must(kCreateCase,
       "parent: 'customers/ada' case_id: 'door' case { kind: REQUEST subject: 'x' "
       "parent_case: 'customers/ada/cases/house' }");
  const auto send = [&](const std::string& verb, const std::string& id, const std::string& more) {
    const auto* method = FindMethod(kService + verb + "Case");
    return Send(*node_, method,
                *FromText(method->input_type(), "name: 'customers/ada/cases/" + id + "' " + more));
  };
  const std::string remedy = "resolution { remedy: 'new hinges' }";
  for (int round = 0; round < 20; ++round) {
    send("Resolve", "house", remedy);
    const auto refused = send("Close", "house", "");
    send("Resolve", "door", remedy);
    const auto closed = send("Close", "house", "");
    send("Reopen", "house", "reason: 'draught'");
    const auto reopened = send("Reopen", "door", "reason: 'draught'");
    EXPECT_EQ(ReasonOf(refused->Get().status), "CASE_PARTS_OPEN") << round;
    EXPECT_TRUE(closed->Get().status.ok()) << round << ": " << closed->Get().status;
    EXPECT_TRUE(reopened->Get().status.ok()) << round;
  }
  Must(std::string(kService) + "ResolveCase", "name: 'customers/ada/cases/house' " + remedy);
  Restart();
  const std::string close = std::string(kService) + "CloseCase";
  EXPECT_EQ(ReasonOf(Do(close, std::string("name: 'customers/ada/cases/house'")).status),
            "CASE_PARTS_OPEN");
  Must(std::string(kService) + "DeleteCase", "name: 'customers/ada/cases/door'");
  Must(close, "name: 'customers/ada/cases/house'");
}

TEST_F(NodeTest, ReferenceDataHasChildrenThatFollowTheirRoot) {
  for (const char* id : {"oats", "rye"}) {
    Must(std::string(kSales) + "CreateProduct",
         absl::StrCat("product_id: '", id, "' product { display_name: 'O' }"));
    Must(std::string(kSales) + "CreatePriceBook",
         absl::StrCat("price_book_id: '", id,
                      "' price_book { display_name: 'B' currency_code: 'EUR' }"));
  }
  const auto set = [&](const std::string& book, const std::string& product) {
    return Do(std::string(kSales) + "CreatePrice",
              "parent: 'priceBooks/" + book + "' price { product: 'products/" + product +
                  "' unit_price { currency_code: 'EUR' units: 1 } }");
  };
  EXPECT_TRUE(set("oats", "rye").status.ok());
  EXPECT_TRUE(set("rye", "oats").status.ok());
  EXPECT_TRUE(absl::IsNotFound(set("none", "oats").status));
  EXPECT_EQ(ReasonOf(set("oats", "none").status), "price.product");
  Must(std::string(kSales) + "DeletePriceBook", "name: 'priceBooks/oats'");
  EXPECT_EQ(ReasonOf(set("oats", "oats").status), "DELETED");
  EXPECT_EQ(
      ReasonOf(
          Do(std::string(kSales) + "DeletePrice", "name: 'priceBooks/oats/prices/rye'").status),
      "DELETED");
  const auto all = Parsed<sales::v1::ListPricesResponse>(
      Must(std::string(kSales) + "ListPrices", "parent: 'priceBooks/-'"));
  EXPECT_EQ(all.prices_size(), 2);
}

// --- orders

TEST_F(NodeTest, OrderTotalsAreExact) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  CreateCustomer("ada");
  Must(std::string(kSales) + "CreateProduct", "product_id: 'oats' product { display_name: 'O' }");
  absl::int128 placed = 0;
  for (int i = 0; i < 50; ++i) {
    std::string lines;
    absl::int128 total = 0;
    for (auto count = 1 + random() % 20; count > 0; --count) {
      const int64_t nanos = static_cast<int64_t>(random() % 10'000'000'000'000) - 5'000'000'000'000;
      total += nanos;
      lines += Line("products/oats", nanos / 1'000'000'000, nanos % 1'000'000'000);
    }
    placed += total;
    const Order order =
        Parsed<Order>(Must(kCreateOrder, "parent: 'customers/ada' order { " + lines + " }"));
    ASSERT_EQ(absl::int128(order.total().units()) * 1'000'000'000 + order.total().nanos(), total);
  }
  absl::int128 listed = 0;
  const auto list = Parsed<sales::v1::ListOrdersResponse>(
      Must(std::string(kSales) + "ListOrders", "parent: 'customers/-' page_size: 1000"));
  for (const auto& order : list.orders()) {
    listed += absl::int128(order.total().units()) * 1'000'000'000 + order.total().nanos();
  }
  EXPECT_EQ(list.orders_size(), 50);
  EXPECT_TRUE(listed == placed);
}

TEST_F(NodeTest, ARowIsAtMost64KiB) {
  CreateCustomer("ada");
  Must(std::string(kSales) + "CreateProduct", "product_id: 'oats' product { display_name: 'O' }");
  sales::v1::CreateOrderRequest request;
  request.set_parent("customers/ada");
  while (request.order().ByteSizeLong() < kMaxRowBytes && request.order().lines_size() < 500) {
    auto* line = request.mutable_order()->add_lines();
    line->set_product("products/oats");
    line->mutable_quantity()->set_value("1234567890.123456789");
    for (auto* money :
         {line->mutable_amount(), line->mutable_unit_price(), line->mutable_discount()}) {
      money->set_currency_code("USD");
      money->set_units(1'000'000'000'000);
      money->set_nanos(999'999'999);
    }
  }
  for (int i = 0; i < 64; ++i) {
    (*request.mutable_order()->mutable_labels())[absl::StrCat("k", i)] = std::string(255, 'x');
  }
  ASSERT_GT(request.order().ByteSizeLong(), kMaxRowBytes);
  const Reply refused = Do(kCreateOrder, request);
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kInvalidArgument) << refused.status;
  EXPECT_EQ(ReasonOf(refused.status), "order");
}

// --- consistency tokens

TEST_F(NodeTest, TokensOnlyGrow) {
  CallMetadata metadata;
  log::v1::ConsistencyToken before;
  const auto step = [&](const std::string& method, const std::string& text) {
    const Reply reply = Must(method, text, metadata);
    metadata.consistency_token = reply.consistency_token;
    const auto token = ParseConsistencyToken(reply.consistency_token);
    ASSERT_TRUE(token.ok()) << token.status();
    for (const auto& position : before.positions()) {
      EXPECT_GE(OffsetIn(*token, position.service(), position.partition()), position.offset());
    }
    before = *token;
  };
  for (const char* id : {"a", "b", "c", "d"}) {
    step(std::string(kAccounts) + "CreateCustomer",
         std::string("customer_id: '") + id + "' customer { display_name: 'A' kind: PERSON }");
    step(kCreateCase, CaseOf(id));
    step(std::string(kService) + "GetCase", std::string("name: 'customers/") + id + "/cases/c'");
    step(std::string(kAccounts) + "ListCustomers", "");
    step(std::string(kGateway) + "GetCustomerView", std::string("name: 'customers/") + id + "'");
    step(std::string(kGateway) + "ListTimeline", std::string("name: 'customers/") + id + "'");
  }
  EXPECT_GT(before.positions_size(), 2);
}

TEST_F(NodeTest, ATokenOfTheFutureIsUnavailableAtTheDeadline) {
  CreateCustomer("ada");
  log::v1::ConsistencyToken future;
  for (int service = 0; service < 4; ++service) {
    for (int partition = -1; partition < kPartitions; ++partition) {
      Raise(future, service, partition, 1'000'000);
    }
  }
  for (const auto& [method, text] : std::vector<std::pair<std::string, std::string>>{
           {"rapport.accounts.v1.Accounts.GetCustomer", "name: 'customers/ada'"},
           {"rapport.accounts.v1.Accounts.ListCustomers", ""},
           {"rapport.sales.v1.Sales.ListProducts", ""},
           {kCreateCase, CaseOf("ada")},
           {"rapport.gateway.v1.Gateway.ListTimeline", "name: 'customers/ada'"}}) {
    const CallMetadata metadata{.consistency_token = FormatConsistencyToken(future),
                                .deadline = absl::Now() + absl::Seconds(1)};
    const absl::Status status = Do(method, text, metadata).status;
    EXPECT_TRUE(absl::IsUnavailable(status)) << method << ": " << status;
  }
}

TEST_F(NodeTest, AStopAnswersReadersThatWaitForAToken) {
  log::v1::ConsistencyToken future;
  for (int partition = 0; partition < kPartitions; ++partition) {
    Raise(future, 0, partition, 1'000'000);
  }
  const auto* method = FindMethod("rapport.accounts.v1.Accounts.ListCustomers");
  const auto reply = Send(*node_, method, *NewMessage(method->input_type()),
                          {.consistency_token = FormatConsistencyToken(future)});
  EXPECT_FALSE(reply->IsSet());
  node_->Stop();
  EXPECT_TRUE(absl::IsUnavailable(reply->Get().status));
}

TEST_F(NodeTest, ANonsenseTokenIsRefused) {
  for (const auto& token : {std::string("***"), std::string(5'000, 'A')}) {
    for (const char* method : {"ListCustomers", "CreateCustomer"}) {
      const Reply reply = Do(std::string(kAccounts) + method,
                             method[0] == 'L' ? "" : "customer { display_name: 'A' kind: PERSON }",
                             CallMetadata{.consistency_token = token});
      EXPECT_EQ(ReasonOf(reply.status), "Rapport-Consistency-Token") << method;
    }
  }
}

// --- many at once

TEST_F(NodeTest, FiftyThreadsWithOneRequestIdMakeOneCustomer) {
  constexpr int kThreads = 50;
  std::vector<Reply> replies(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      replies[i] = Do(std::string(kAccounts) + "CreateCustomer",
                      "customer { display_name: 'A' kind: PERSON } request_id: 'r1'");
    });
  }
  for (auto& thread : threads) thread.join();
  int first = 0;
  for (const auto& reply : replies) {
    ASSERT_TRUE(reply.status.ok()) << reply.status;
    EXPECT_EQ(reply.body, replies[0].body);
    first += reply.repeat ? 0 : 1;
  }
  EXPECT_EQ(first, 1);
  const auto all = Parsed<accounts::v1::ListCustomersResponse>(
      Must(std::string(kAccounts) + "ListCustomers", ""));
  EXPECT_EQ(all.customers_size(), 1);
}

// The sum of what many threads do to one case is exactly what they were told was done.
TEST_F(NodeTest, ConcurrentVerbsOnOneCaseAreSerial) {
  constexpr int kThreads = 8;
  constexpr int kEach = 25;
  CreateCustomer("ada");
  Must(kCreateCase, CaseOf("ada"));
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < kEach; ++n) {
        Must("rapport.service.v1.Service.EscalateCase",
             "name: 'customers/ada/cases/c' reason: 'it burns'");
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const auto escalated = Parsed<service::v1::Case>(
      Must("rapport.service.v1.Service.GetCase", "name: 'customers/ada/cases/c'"));
  EXPECT_EQ(escalated.escalation_level(), kThreads * kEach);
  EXPECT_EQ(escalated.etag(), absl::StrCat("\"", 1 + kThreads * kEach, "\""));
}

// It would stand in a record that nobody could read again.
TEST_F(NodeTest, AnActorThatCannotBeStoredIsRefused) {
  for (const std::string& actor : {std::string("users/J\xf6rg"), std::string("users/J\xc3\xb6rg"),
                                   std::string("users/a b"), std::string(257, 'a')}) {
    const Reply refused =
        Do(std::string(kAccounts) + "CreateCustomer",
           "customer { display_name: 'Ada' kind: PERSON }", CallMetadata{.actor = actor});
    EXPECT_EQ(refused.status.code(), absl::StatusCode::kInvalidArgument) << refused.status;
    EXPECT_TRUE(absl::StrContains(refused.status.message(), "X-Rapport-Actor")) << refused.status;
  }
  Must(std::string(kAccounts) + "CreateCustomer", "customer { display_name: 'Ada' kind: PERSON }",
       CallMetadata{.actor = std::string(256, 'a')});
  Restart();
}

TEST_F(NodeTest, EveryRpcIsAnswered) {
  int rpcs = 0;
  for (const auto* service : node_->services()) {
    for (int i = 0; i < service->method_count(); ++i) {
      const auto* method = service->method(i);
      if (method->client_streaming() || method->server_streaming()) continue;
      EXPECT_TRUE(node_->Handles(*method)) << method->full_name();
      const Reply reply = Call(*node_, method, *NewMessage(method->input_type()));
      EXPECT_FALSE(absl::IsUnimplemented(reply.status)) << method->full_name();
      EXPECT_FALSE(absl::IsInternal(reply.status)) << method->full_name();
      ++rpcs;
    }
  }
  EXPECT_GE(rpcs, 30);
}

}  // namespace
}  // namespace rapport::component
