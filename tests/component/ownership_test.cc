// Several instances upon one log: who owns what, and what becomes of it when one comes or goes. On
// Kafka only, where RAPPORT_TEST_KAFKA names brokers.
#include <atomic>
#include <fstream>
#include <map>
#include <thread>

#include "absl/strings/str_cat.h"
#include "rapport/service/v1/interaction.pb.h"
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

  std::unique_ptr<Node> StartInstance(const std::string& name) {
    NodeOptions options{.data_dir = folder_.path() + "/" + name,
                        .services = {"accounts", "service"},
                        .partitions = kPartitions,
                        .cache_bytes = 8 << 20,
                        .memtable_bytes = 64 << 20,
                        .min_free_bytes = 0,
                        .kafka = topics_.On(testing_support::TestTopics::brokers()),
                        .secret_file = folder_.path() + "/secret"};
    options.kafka->instance = name;
    auto node = std::make_unique<Node>(std::move(options));
    const absl::Status started = node->Start();
    EXPECT_TRUE(started.ok()) << started;
    return node;
  }

  // At whichever instance owns the customer, as a client finds it who knows nothing of owners.
  static Reply DoAnywhere(const std::vector<Node*>& nodes, const std::string& method,
                          const std::string& request) {
    Reply reply;
    EXPECT_TRUE(WaitUntil([&] {
      for (Node* node : nodes) {
        reply = Call(*node, method, request);
        if (!absl::IsUnavailable(reply.status)) return true;
      }
      return false;
    })) << reply.status;
    return reply;
  }

  static void CreateCustomers(const std::vector<Node*>& nodes, int first, int count) {
    for (int i = first; i < first + count; ++i) {
      const Reply made =
          DoAnywhere(nodes, std::string(kAccounts) + "CreateCustomer",
                     absl::StrCat("request_id: 'r", i, "' customer_id: 'c", i,
                                  "' customer { display_name: 'Ada' kind: PERSON }"));
      EXPECT_TRUE(made.status.ok()) << made.status;
      tokens_[i] = made.consistency_token;
    }
  }

  // Every customer, at this instance, wherever it was made.
  static void ExpectCustomers(Node& node, int count) {
    for (int i = 0; i < count; ++i) {
      const Reply read =
          Call(node, std::string(kAccounts) + "GetCustomer",
               absl::StrCat("name: 'customers/c", i, "'"), {.consistency_token = tokens_[i]});
      EXPECT_TRUE(read.status.ok()) << i << ": " << read.status;
    }
  }

  static bool Share(const Node& a, const Node& b) {
    return WaitUntil([&] {
      return a.owned() > 0 && b.owned() > 0 && a.owned() + b.owned() == kAll && a.Health().ok() &&
             b.Health().ok();
    });
  }

  testing_support::TempFolder folder_;
  testing_support::TestTopics topics_;
  static inline std::map<int, std::string> tokens_;
};

TEST_F(OwnershipTest, IsSharedAndHandedOver) {
  auto a = StartInstance("a");
  EXPECT_EQ(a->owned(), kAll) << "who is alone owns all";
  CreateCustomers({a.get()}, 0, 20);

  auto b = StartInstance("b");
  // Who is idle learns from the log alone that it was deposed.
  ASSERT_TRUE(Share(*a, *b)) << a->owned() << " + " << b->owned();
  CreateCustomers({a.get(), b.get()}, 20, 20);
  ExpectCustomers(*a, 40);
  ExpectCustomers(*b, 40);

  a->Stop();
  ASSERT_TRUE(WaitUntil([&] { return b->owned() == kAll && b->Health().ok(); }));
  CreateCustomers({b.get()}, 40, 20);
  ExpectCustomers(*b, 60);

  a = StartInstance("a");
  ASSERT_TRUE(Share(*a, *b)) << a->owned() << " + " << b->owned();
  ExpectCustomers(*a, 60);
  // Repeats of what others acknowledged are known everywhere.
  for (int i = 0; i < 60; ++i) {
    const Reply again = DoAnywhere({a.get(), b.get()}, std::string(kAccounts) + "CreateCustomer",
                                   absl::StrCat("request_id: 'r", i, "' customer_id: 'c", i,
                                                "' customer { display_name: 'Ada' kind: PERSON }"));
    EXPECT_TRUE(again.status.ok() && again.repeat) << i << ": " << again.status;
  }
}

// A hand-over while clients write: nothing is lost, nothing is there twice.
TEST_F(OwnershipTest, MovesUnderLoad) {
  auto a = StartInstance("a");
  CreateCustomers({a.get()}, 0, 10);
  auto b = StartInstance("b");
  std::atomic<bool> done{false};
  std::atomic<int> written{0};
  std::thread client([&] {
    for (int i = 0; !done; ++i) {
      const Reply logged = DoAnywhere(
          {a.get(), b.get()}, std::string(kService) + "CreateInteraction",
          absl::StrCat("parent: 'customers/c", i % 10, "' request_id: 'i", i,
                       "' interaction { channel: PHONE direction: INBOUND summary: 'n", i, "' }"));
      EXPECT_TRUE(logged.status.ok()) << logged.status;
      ++written;
    }
  });
  ASSERT_TRUE(Share(*a, *b));
  ASSERT_TRUE(WaitUntil([&] { return written > 100; }));
  b->HandOver();
  ASSERT_TRUE(WaitUntil([&] { return a->owned() == kAll; }));
  const int before = written;
  ASSERT_TRUE(WaitUntil([&] { return written > before + 50; }));
  done = true;
  client.join();
  int found = 0;
  for (int c = 0; c < 10; ++c) {
    const auto listed = Parsed<service::v1::ListInteractionsResponse>(
        Call(*a, std::string(kService) + "ListInteractions",
             absl::StrCat("parent: 'customers/c", c, "' page_size: 1000")));
    found += listed.interactions_size();
  }
  EXPECT_EQ(found, written);
}

}  // namespace
}  // namespace rapport::component
