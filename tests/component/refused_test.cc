// What an operator sees of a process's commands that were refused for good.
#include <gmock/gmock.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "google/rpc/code.pb.h"
#include "rapport/log/v1/refused.pb.h"
#include "rapport/sales/v1/activity.pb.h"
#include "services/runtime/base/hash.h"
#include "services/runtime/base/time.h"
#include "tests/component/client.h"
#include "tools/rapportctl/rebuild.h"
#include "tools/rapportctl/verify.h"

namespace rapport::component {
namespace {

using log::v1::ListRefusedReactionsRequest;
using log::v1::ListRefusedReactionsResponse;
using log::v1::RefusedReaction;
using testing::HasSubstr;
using testing::IsEmpty;

const char kList[] = "rapport.marketing.v1.Marketing.ListRefusedReactions";

// Sales is not installed, so that a recovery's follow-up, an activity, is refused for good.
class RefusedTest : public NodeTest {
 protected:
  void SetUp() override {
    NodeOptions options = Options(kPartitions);
    options.services = {"accounts", "service", "marketing"};
    node_ = std::make_unique<Node>(std::move(options));
    ASSERT_TRUE(StartAlone(*node_).ok());
  }
  void Recover(const std::string& customer) {
    CreateCustomer(customer);
    Must(std::string(kMarketing) + "CreateRecovery",
         absl::StrCat("parent: 'customers/", customer, "' recovery { case: 'customers/", customer,
                      "/cases/c' }"));
  }
  // Of `count` customers, one after another.
  void AwaitRefused(int count) {
    for (int i = 0; i < count; ++i) {
      Recover(absl::StrCat("c", i));
      ASSERT_TRUE(testing_support::WaitUntil([&] { return Refused().size() > size_t(i); }));
    }
  }
  // All pages.
  std::vector<RefusedReaction> Refused(ListRefusedReactionsRequest request = {}) {
    std::vector<RefusedReaction> all;
    do {
      const auto page = Parsed<ListRefusedReactionsResponse>(Must(kList, request));
      EXPECT_LE(page.refused_reactions_size(), request.page_size() > 0 ? request.page_size() : 50);
      all.insert(all.end(), page.refused_reactions().begin(), page.refused_reactions().end());
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return all;
  }
  static std::vector<std::string> RootsOf(const std::vector<RefusedReaction>& reactions) {
    std::vector<std::string> roots;
    for (const auto& reaction : reactions) roots.push_back(reaction.root());
    return roots;
  }
  int Matching(const std::string& filter) {
    ListRefusedReactionsRequest request;
    request.set_filter(filter);
    return static_cast<int>(Refused(request).size());
  }
};

TEST_F(RefusedTest, IsShownOnceWithItsReason) {
  AwaitRefused(1);
  const std::vector<RefusedReaction> all = Refused();
  ASSERT_EQ(all.size(), 1);
  const RefusedReaction& refused = all[0];
  EXPECT_EQ(refused.process(), "recovery-follow-up");
  EXPECT_EQ(refused.root(), "customers/c0");
  EXPECT_EQ(refused.service(), "marketing");
  EXPECT_EQ(refused.sequence(), 1);
  EXPECT_EQ(refused.method(), "rapport.sales.v1.Sales.CreateActivity");
  EXPECT_THAT(refused.request_id(), testing::StartsWith("process-"));
  EXPECT_EQ(refused.status().code(), google::rpc::UNIMPLEMENTED);
  EXPECT_THAT(refused.status().message(), HasSubstr("is not installed here"));
  EXPECT_LE(FromTimestamp(refused.record_time()), absl::Now());
  EXPECT_GT(FromTimestamp(refused.record_time()), absl::Now() - absl::Minutes(5));
}

TEST_F(RefusedTest, IsListedOverAllPartitionsNewestFirst) {
  constexpr int kCustomers = 9;
  AwaitRefused(kCustomers);
  std::vector<std::string> newest_first;
  std::set<int> partitions;
  for (int i = kCustomers - 1; i >= 0; --i) {
    newest_first.push_back(absl::StrCat("customers/c", i));
    partitions.insert(PartitionOf(newest_first.back(), kPartitions));
  }
  EXPECT_GT(partitions.size(), 1);
  for (int page_size = 0; page_size <= kCustomers + 1; ++page_size) {
    ListRefusedReactionsRequest request;
    request.set_page_size(page_size);
    EXPECT_EQ(RootsOf(Refused(request)), newest_first) << "page_size " << page_size;
  }
}

TEST_F(RefusedTest, CanBeFiltered) {
  AwaitRefused(3);
  EXPECT_EQ(Matching("process = \"recovery-follow-up\""), 3);
  EXPECT_EQ(Matching("process = \"recovery-trigger\""), 0);
  EXPECT_EQ(Matching("root = \"customers/c1\" AND status.code = 12"), 1);
  EXPECT_EQ(ReasonOf(Do(kList, "filter: 'nonsense = 1'").status), "filter");
}

TEST_F(RefusedTest, AWrongPageIsRefusedByItsField) {
  AwaitRefused(2);
  ListRefusedReactionsRequest request;
  request.set_page_size(1);
  request.set_page_token(
      Parsed<ListRefusedReactionsResponse>(Must(kList, request)).next_page_token());
  ASSERT_FALSE(request.page_token().empty());
  const auto refuses = [&](const ListRefusedReactionsRequest& other, const char* what) {
    EXPECT_EQ(ReasonOf(Do(kList, other).status), "page_token") << what;
  };
  ListRefusedReactionsRequest other = request;
  other.set_filter("root = \"customers/c1\"");
  refuses(other, "of another filter");
  other = request;
  other.mutable_page_token()->back() ^= 1;
  refuses(other, "changed");
  const std::string of_another_list =
      absl::StrCat("parent: 'customers/-' page_token: '", request.page_token(), "'");
  EXPECT_EQ(ReasonOf(Do(std::string(kMarketing) + "ListRecoveries", of_another_list).status),
            "page_token");
  EXPECT_EQ(ReasonOf(Do(kList, "page_size: -1").status), "page_size");
}

// The same bytes; and once the cause is mended, what was refused before is not sent again.
TEST_F(RefusedTest, StaysOverRestartAndRebuild) {
  AwaitRefused(4);
  const std::string before = Must(kList, "").body;
  Restart();  // with sales
  EXPECT_EQ(Must(kList, "").body, before);
  Recover("later");
  const auto activities = [&] {
    return Parsed<sales::v1::ListActivitiesResponse>(
        Must(std::string(kSales) + "ListActivities", "parent: 'customers/-'"));
  };
  ASSERT_TRUE(testing_support::WaitUntil([&] { return activities().activities_size() > 0; }));

  if (topics_.Kafka()) return;  // what follows rebuilds from the log in the data folder
  node_.reset();
  {
    const auto data = DataFolder::Open(folder_.path() + "/data");
    ASSERT_TRUE(data.ok()) << data.status();
    for (const auto& service : (*data)->services()) {
      for (const auto& report : VerifyService(**data, service)) {
        EXPECT_THAT(report.problems, IsEmpty());
      }
      ASSERT_TRUE(RebuildService(**data, service).ok());
    }
  }
  Start();
  EXPECT_EQ(Must(kList, "").body, before);
  EXPECT_EQ(activities().activities_size(), 1);
}

}  // namespace
}  // namespace rapport::component
