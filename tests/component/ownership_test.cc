// Several instances upon one log: who owns what, and what becomes of it when one comes or goes. On
// Kafka only, where RAPPORT_TEST_KAFKA names brokers.
#include <algorithm>
#include <atomic>
#include <fstream>
#include <map>
#include <thread>

#include "absl/strings/str_cat.h"
#include "rapport/accounts/v1/customer.pb.h"
#include "rapport/service/v1/interaction.pb.h"
#include "services/runtime/rpc/server.h"
#include "tests/component/client.h"

namespace rapport::component {
namespace {

using testing_support::WaitUntil;

class OwnershipTest : public testing::Test {
 protected:
  static constexpr int kPartitions = 4;
  // Of accounts and service: their partitions. Accounts has no reference data, nor has service.
  static constexpr int kAll = 2 * kPartitions;

  void SetUp() override {
    if (testing_support::TestTopics::brokers() == nullptr) {
      GTEST_SKIP() << "RAPPORT_TEST_KAFKA names no brokers, so ownership is not tested";
    }
    std::ofstream(folder_.path() + "/secret") << std::string(32, 's');
  }

  // A node and the port by which the others reach it.
  struct Instance {
    std::unique_ptr<Node> node;
    std::unique_ptr<GrpcServer> server;

    Node* operator->() const { return node.get(); }
    void Stop() {
      node->HandOver();
      server->Shutdown(absl::Now() + absl::Seconds(10));
      node->Stop();
    }
    ~Instance() {
      if (server != nullptr) server->Shutdown(absl::InfinitePast());
    }
    Instance() = default;
    Instance(Instance&&) = default;
    Instance& operator=(Instance&& other) noexcept {
      std::swap(node, other.node);
      std::swap(server, other.server);
      return *this;
    }
  };

  Instance StartInstance(const std::string& name,
                         std::vector<std::string> services = {"accounts", "service"}) {
    std::vector<std::string> elsewhere;
    for (const char* service : {"accounts", "service"}) {  // what a gateway alone calls
      if (std::find(services.begin(), services.end(), service) == services.end()) {
        elsewhere.push_back(service);
      }
    }
    NodeOptions options{.data_dir = folder_.path() + "/" + name,
                        .services = std::move(services),
                        .elsewhere = std::move(elsewhere),
                        .partitions = kPartitions,
                        .cache_bytes = 8 << 20,
                        .memtable_bytes = 64 << 20,
                        .min_free_bytes = 0,
                        .kafka = topics_.On(testing_support::TestTopics::brokers()),
                        .secret_file = folder_.path() + "/secret"};
    options.kafka->instance = name;
    Instance made;
    made.node = std::make_unique<Node>(std::move(options));
    absl::Status started = made.node->Start();
    if (started.ok()) {
      // The streams are not called; without them the gateway cannot be served whole.
      std::vector<const ServiceDescriptor*> services_of_node = made.node->services();
      services_of_node.pop_back();
      for (const auto* peers : made.node->peer_services()) services_of_node.push_back(peers);
      made.server = std::make_unique<GrpcServer>(
          ServerOptions{.services = services_of_node,
                        .handler = &made.node->handler(),
                        .handles = [node = made.node.get()](const auto& method) {
                          return node->Handles(method);
                        }});
      started = made.server->Start();
    }
    if (started.ok()) {
      started = made.node->Join(absl::StrCat("127.0.0.1:", made.server->port()));
    }
    EXPECT_TRUE(started.ok()) << started;
    return made;
  }

  // A client repeats what was not answered, under the same request id.
  static Reply Do(Node& node, const std::string& method, const std::string& request) {
    Reply reply;
    EXPECT_TRUE(WaitUntil([&] {
      reply = Call(node, method, request);
      return !absl::IsUnavailable(reply.status);
    })) << reply.status;
    return reply;
  }

  void CreateCustomers(Node& node, int first, int count) {
    for (int i = first; i < first + count; ++i) {
      const Reply made = Do(node, std::string(kAccounts) + "CreateCustomer", CustomerRequest(i));
      EXPECT_TRUE(made.status.ok()) << made.status;
      tokens_[i] = made.consistency_token;
    }
  }
  static std::string CustomerRequest(int i) {
    return absl::StrCat("request_id: 'r", i, "' customer_id: 'c", i,
                        "' customer { display_name: 'Ada' kind: PERSON }");
  }

  // Every customer, at this instance, wherever it was made.
  void ExpectCustomers(Node& node, int count) {
    for (int i = 0; i < count; ++i) {
      const Reply read =
          Call(node, std::string(kAccounts) + "GetCustomer",
               absl::StrCat("name: 'customers/c", i, "'"), {.consistency_token = tokens_[i]});
      EXPECT_TRUE(read.status.ok()) << i << ": " << read.status;
    }
  }

  static bool Share(const Instance& a, const Instance& b) {
    return WaitUntil([&] {
      return a->owned() > 0 && b->owned() > 0 && a->owned() + b->owned() == kAll &&
             a->Health().ok() && b->Health().ok();
    });
  }

  testing_support::TempFolder folder_;
  testing_support::TestTopics topics_;
  std::map<int, std::string> tokens_;
};

TEST_F(OwnershipTest, IsSharedAndHandedOver) {
  auto a = StartInstance("a");
  EXPECT_EQ(a->owned(), kAll) << "who is alone owns all";
  CreateCustomers(*a.node, 0, 20);

  auto b = StartInstance("b");
  // Who is idle learns from the log alone that it was deposed.
  ASSERT_TRUE(Share(a, b)) << a->owned() << " + " << b->owned();
  // Whoever is asked, the owner answers.
  CreateCustomers(*a.node, 20, 10);
  CreateCustomers(*b.node, 30, 10);
  ExpectCustomers(*a.node, 40);
  ExpectCustomers(*b.node, 40);

  a.Stop();
  ASSERT_TRUE(WaitUntil([&] { return b->owned() == kAll && b->Health().ok(); }));
  CreateCustomers(*b.node, 40, 20);
  ExpectCustomers(*b.node, 60);

  a = StartInstance("a");
  ASSERT_TRUE(Share(a, b)) << a->owned() << " + " << b->owned();
  ExpectCustomers(*a.node, 60);
  // Repeats of what others acknowledged are known everywhere.
  for (int i = 0; i < 60; ++i) {
    const Reply again = Do(i % 2 == 0 ? *a.node : *b.node,
                           std::string(kAccounts) + "CreateCustomer", CustomerRequest(i));
    EXPECT_TRUE(again.status.ok() && again.repeat) << i << ": " << again.status;
  }
}

// A program for each service: what is not here is asked for elsewhere.
TEST_F(OwnershipTest, ServicesOfTheirOwnAnswerTogether) {
  auto accounts = StartInstance("accounts", {"accounts"});
  auto service = StartInstance("service", {"service"});
  auto gateway = StartInstance("gateway", {});
  EXPECT_EQ(gateway->owned(), 0);
  CreateCustomers(*gateway.node, 0, 10);
  ExpectCustomers(*gateway.node, 10);
  for (int i = 0; i < 10; ++i) {
    const std::string logged =
        absl::StrCat("parent: 'customers/c", i,
                     "' interaction { channel: PHONE direction: INBOUND summary: 'n' }");
    for (const Instance* from : {&gateway, &accounts, &service}) {
      const Reply reply = Do(*from->node, std::string(kService) + "CreateInteraction", logged);
      EXPECT_TRUE(reply.status.ok()) << reply.status;
    }
  }
  // Nobody has this customer, and the owner says so.
  const Reply unknown =
      Do(*gateway.node, std::string(kService) + "CreateInteraction",
         "parent: 'customers/nobody' interaction { channel: PHONE direction: INBOUND "
         "summary: 'n' }");
  EXPECT_EQ(unknown.status.code(), absl::StatusCode::kNotFound) << unknown.status;
  // What is wrong with a request is said by its service.
  const Reply wrong = Do(*gateway.node, std::string(kService) + "CreateInteraction",
                         "parent: 'nonsense' interaction { channel: PHONE }");
  EXPECT_EQ(wrong.status.code(), absl::StatusCode::kInvalidArgument) << wrong.status;
  // Across customers, by whoever follows them all.
  const Reply listed = Call(*gateway.node, std::string(kService) + "ListInteractions",
                            "parent: 'customers/-' page_size: 1000");
  EXPECT_EQ(Parsed<service::v1::ListInteractionsResponse>(listed).interactions_size(), 30);
}

// Strong reads hold what was acknowledged a moment ago, by whichever owner; across customers, too.
TEST_F(OwnershipTest, StrongReadsAskTheOwners) {
  auto a = StartInstance("a");
  auto b = StartInstance("b");
  auto gateway = StartInstance("gateway", {});
  ASSERT_TRUE(Share(a, b));
  const CallMetadata strong{.read = "strong"};
  for (int i = 0; i < 20; ++i) {
    CreateCustomers(i % 2 == 0 ? *a.node : *b.node, i, 1);
    for (const Instance* at : {&a, &b, &gateway}) {
      const Reply one = Call(*at->node, std::string(kAccounts) + "GetCustomer",
                             absl::StrCat("name: 'customers/c", i, "'"), strong);
      EXPECT_TRUE(one.status.ok()) << i << ": " << one.status;
      const Reply all =
          Call(*at->node, std::string(kAccounts) + "ListCustomers", "page_size: 1000", strong);
      EXPECT_EQ(Parsed<accounts::v1::ListCustomersResponse>(all).customers_size(), i + 1);
    }
  }
  a.Stop();
  b->HandOver();
}

// What was made a moment ago, by whichever owner, is known to who decides: without a token.
TEST_F(OwnershipTest, ReferenceDataOfOthersIsSeenBeforeARefusal) {
  auto sales = StartInstance("sales", {"accounts", "sales"});
  auto other = StartInstance("other", {"accounts", "sales"});
  ASSERT_TRUE(WaitUntil([&] {
    return sales->owned() > 0 && other->owned() > 0 &&
           sales->owned() + other->owned() == 2 * kPartitions + 1 && sales->Health().ok() &&
           other->Health().ok();
  }));
  CreateCustomers(*sales.node, 0, 8);
  for (int i = 0; i < 40; ++i) {
    const Instance& one = i % 2 == 0 ? sales : other;
    const Instance& two = i % 2 == 0 ? other : sales;
    const std::string product = absl::StrCat("p", i);
    ASSERT_TRUE(Do(*one.node, std::string(kSales) + "CreateProduct",
                   absl::StrCat("product_id: '", product, "' product { display_name: 'P' }"))
                    .status.ok());
    const Reply ordered =
        Do(*two.node, std::string(kSales) + "CreateOrder",
           absl::StrCat("parent: 'customers/c", i % 8, "' order { lines { product: 'products/",
                        product,
                        "' quantity { value: '1' } amount { currency_code: 'USD' units: 1 } } }"));
    EXPECT_TRUE(ordered.status.ok()) << i << ": " << ordered.status;
  }
  const Reply unknown =
      Do(*other.node, std::string(kSales) + "CreateOrder",
         "parent: 'customers/c1' order { lines { product: 'products/none' quantity { value: '1' } "
         "amount { currency_code: 'USD' units: 1 } } }");
  EXPECT_FALSE(unknown.status.ok());
  EXPECT_FALSE(absl::IsUnavailable(unknown.status)) << unknown.status;
}

// A hand-over while clients write: nothing is lost, nothing is there twice.
TEST_F(OwnershipTest, MovesUnderLoad) {
  auto a = StartInstance("a");
  CreateCustomers(*a.node, 0, 10);
  auto b = StartInstance("b");
  std::atomic<bool> done{false};
  std::atomic<int> written{0};
  std::thread client([&] {
    for (int i = 0; !done; ++i) {
      const Reply logged = Do(
          *a.node, std::string(kService) + "CreateInteraction",
          absl::StrCat("parent: 'customers/c", i % 10, "' request_id: 'i", i,
                       "' interaction { channel: PHONE direction: INBOUND summary: 'n", i, "' }"));
      EXPECT_TRUE(logged.status.ok()) << logged.status;
      ++written;
    }
  });
  EXPECT_TRUE(Share(a, b));
  EXPECT_TRUE(WaitUntil([&] { return written > 100; }));
  b->HandOver();
  EXPECT_TRUE(WaitUntil([&] { return a->owned() == kAll; }));
  const int before = written;
  EXPECT_TRUE(WaitUntil([&] { return written > before + 50; }));
  done = true;
  client.join();
  int found = 0;
  for (int c = 0; c < 10; ++c) {
    const auto listed = Parsed<service::v1::ListInteractionsResponse>(
        Call(*a.node, std::string(kService) + "ListInteractions",
             absl::StrCat("parent: 'customers/c", c, "' page_size: 1000")));
    found += listed.interactions_size();
  }
  EXPECT_EQ(found, written);
}

}  // namespace
}  // namespace rapport::component
