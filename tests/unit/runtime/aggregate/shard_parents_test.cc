// A shard whose roots another service decides: children of customers.
#include "tests/support/reason.h"
#include "tests/unit/runtime/aggregate/shard_harness.h"

namespace rapport {
namespace {

using testing_support::ReasonOf;
using testing_support::WaitUntil;

const TopicPartition kCustomers{"rapport.accounts", 0};

accounts::v1::CreateCustomerRequest Customer(const std::string& id) {
  accounts::v1::CreateCustomerRequest request;
  request.set_customer_id(id);
  request.mutable_customer()->set_display_name("Li Wei 李伟");
  request.mutable_customer()->set_kind(accounts::v1::Customer::PERSON);
  return request;
}
accounts::v1::DeleteCustomerRequest Delete(const std::string& id) {
  accounts::v1::DeleteCustomerRequest request;
  request.set_name("customers/" + id);
  return request;
}
accounts::v1::UndeleteCustomerRequest Undelete(const std::string& id) {
  accounts::v1::UndeleteCustomerRequest request;
  request.set_name("customers/" + id);
  return request;
}
service::v1::CreateCaseRequest Case(const std::string& customer, const std::string& id = "") {
  service::v1::CreateCaseRequest request;
  request.set_parent("customers/" + customer);
  request.set_case_id(id);
  request.mutable_case_()->set_subject("It squeaks");
  return request;
}

class ShardParentsTest : public testing::Test {
 protected:
  void SetUp() override {
    accounts_.Serve();
    service_.Serve();
  }
  void TearDown() override {
    accounts_.Stop();
    service_.Stop();
    log_.ForgetWatchers();
  }

  FakeLog log_;
  ManualClock clock_{absl::FromUnixSeconds(1'767'225'600)};
  ShardHarness accounts_{accounts::Spec(), &log_, &clock_};
  ShardHarness service_{service::Spec(), &log_, &clock_, kCustomers};
};

TEST_F(ShardParentsTest, TakesAChildAsSoonAsItsCustomerIsAcknowledged) {
  for (int i = 0; i < 500; ++i) {
    const std::string id = absl::StrCat("c", i);
    ASSERT_TRUE(accounts_.Call(Customer(id)).status.ok());
    const Reply reply = service_.Call(Case(id));
    ASSERT_TRUE(reply.status.ok()) << i << ": " << reply.status;
  }
}

TEST_F(ShardParentsTest, RefusesAnUnknownCustomerOnlyOnceTheCustomersEndWasSeen) {
  log_.HoldEnds(kCustomers.topic);
  const PendingReply reply = service_.Send(Case("ada"));
  ASSERT_TRUE(WaitUntil([&] { return log_.held() == 1; }));
  EXPECT_FALSE(reply->IsSet());
  // Created while the look-up is under way.
  ASSERT_TRUE(accounts_.Call(Customer("ada")).status.ok());
  log_.Release();
  EXPECT_TRUE(reply->Get().status.ok()) << reply->Get().status;
  EXPECT_TRUE(absl::IsNotFound(service_.Call(Case("nobody")).status));
}

// The log may be closed once it has stopped, whatever others still write there.
TEST_F(ShardParentsTest, OnceStoppedItLeavesTheLogAlone) {
  ASSERT_TRUE(accounts_.Call(Customer("ada")).status.ok());
  ASSERT_TRUE(service_.Call(Case("ada")).status.ok());
  service_.Stop();
  const Offset followed = LoadPosition(service_.store(), kFollowedPosition)->next;
  ASSERT_TRUE(accounts_.Call(Customer("bob")).status.ok());
  service_.Settle();
  EXPECT_EQ(LoadPosition(service_.store(), kFollowedPosition)->next, followed);
}

TEST_F(ShardParentsTest, LooksNothingUpForCustomersThatItKnows) {
  ASSERT_TRUE(accounts_.Call(Customer("ada")).status.ok());
  ASSERT_TRUE(service_.Call(Case("ada")).status.ok());
  const int before = log_.ends();
  ASSERT_TRUE(service_.Call(Case("ada")).status.ok());
  EXPECT_EQ(log_.ends(), before);
}

TEST_F(ShardParentsTest, RefusesChildrenOfADeletedCustomerToWhoeverSawTheDeletion) {
  for (int i = 0; i < 100; ++i) {
    const std::string id = absl::StrCat("c", i);
    ASSERT_TRUE(accounts_.Call(Customer(id)).status.ok());
    ASSERT_TRUE(service_.Call(Case(id, "before")).status.ok());
    ASSERT_TRUE(accounts_.Call(Delete(id)).status.ok());
    const Reply refused = service_.Call(Case(id), accounts_.shard().applied());
    ASSERT_EQ(ReasonOf(refused.status), "DELETED") << refused.status;
  }
}

TEST_F(ShardParentsTest, TakesAChildAsSoonAsItsCustomerIsUndeleted) {
  ASSERT_TRUE(accounts_.Call(Customer("ada")).status.ok());
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(accounts_.Call(Delete("ada")).status.ok());
    ASSERT_EQ(ReasonOf(service_.Call(Case("ada"), accounts_.shard().applied()).status), "DELETED");
    ASSERT_TRUE(accounts_.Call(Undelete("ada")).status.ok());
    const Reply reply = service_.Call(Case("ada"));
    ASSERT_TRUE(reply.status.ok()) << i << ": " << reply.status;
  }
}

// Commands without end must not keep it from hearing of its customers.
TEST_F(ShardParentsTest, HearsOfDeletionsUnderConstantLoad) {
  ASSERT_TRUE(accounts_.Call(Customer("ada")).status.ok());
  ASSERT_TRUE(service_.Call(Case("ada", "before")).status.ok());
  log_.HoldAppends("rapport.service");
  const PendingReply in_flight = service_.Send(Case("ada", "a"));
  ASSERT_TRUE(WaitUntil([&] { return log_.held() == 1; }));
  ASSERT_TRUE(accounts_.Call(Delete("ada")).status.ok());
  const PendingReply queued = service_.Send(Case("ada", "b"));
  log_.Release();
  EXPECT_TRUE(in_flight->Get().status.ok());
  EXPECT_EQ(ReasonOf(queued->Get().status), "DELETED") << queued->Get().status;
}

TEST_F(ShardParentsTest, IgnoresVoidRecordsOfItsParents) {
  log::v1::Record stale;
  stale.set_kind(log::v1::Record::EVENT);
  stale.set_claim_id(1'000);
  stale.set_number(1);
  stale.set_subject("customers/ghost");
  stale.set_root("customers/ghost");
  accounts::v1::CustomerEvent created;
  created.mutable_created();
  stale.set_value(created.SerializeAsString());
  log_.ForeignWrite(kCustomers, stale);
  EXPECT_TRUE(absl::IsNotFound(service_.Call(Case("ghost")).status));
}

TEST_F(ShardParentsTest, DoesNotTakeAPositionThatTheParentsNeverReached) {
  ASSERT_TRUE(accounts_.Call(Customer("ada")).status.ok());
  EXPECT_TRUE(absl::IsUnavailable(service_.Call(Case("ada"), 1'000).status));
}

}  // namespace
}  // namespace rapport
