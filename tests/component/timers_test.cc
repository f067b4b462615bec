// Timers of a whole node: what falls due acts by itself, once.
#include <thread>

#include "absl/strings/escaping.h"
#include "rapport/log/v1/history.pb.h"
#include "rapport/service/v1/case.pb.h"
#include "services/runtime/aggregate/own_request_id.h"
#include "services/runtime/base/hash.h"
#include "services/runtime/base/time.h"
#include "services/runtime/store/keys.h"
#include "tests/component/client.h"

namespace rapport::component {
namespace {

using service::v1::Case;

class TimersTest : public NodeTest {
 protected:
  void SetUp() override { Open(); }

  void Open() {
    node_.reset();
    NodeOptions options = Options(kPartitions);
    options.clock = &clock_;
    node_ = std::make_unique<Node>(options);
    const absl::Status started = StartAlone(*node_);
    ASSERT_TRUE(started.ok()) << started;
  }

  // HIGH: four hours for the first response.
  std::string OpenCase(const std::string& customer, const std::string& id) {
    Must(std::string(kService) + "CreateCase",
         absl::StrCat("parent: 'customers/", customer, "' case_id: '", id,
                      "' case { kind: COMPLAINT subject: 'x' priority: HIGH }"));
    return absl::StrCat("customers/", customer, "/cases/", id);
  }
  Case Get(const std::string& name) {
    return Parsed<Case>(Must(std::string(kService) + "GetCase", "name: '" + name + "'"));
  }
  int64_t TimesMissed(const std::string& customer, const std::string& name) {
    const auto events = Parsed<log::v1::ListEventsResponse>(
        Must(std::string(kService) + "ListEvents",
             "page_size: 1000 name: 'customers/" + customer + "'"));
    return std::count_if(events.events().begin(), events.events().end(), [&name](const auto& e) {
      return e.subject() == name && e.type() == "rapport.service.v1.CaseResponseMissed";
    });
  }

  ManualClock clock_{absl::FromUnixSeconds(1'767'225'600)};
};

TEST_F(TimersTest, ACaseWithoutAResponseIsMarkedWhenItsClockRunsOut) {
  CreateCustomer("ada");
  const std::string name = OpenCase("ada", "c");
  const absl::Time due = FromTimestamp(Get(name).response_due_time());
  EXPECT_EQ(due, clock_.Now() + absl::Hours(4));
  clock_.Advance(absl::Hours(4));
  ASSERT_TRUE(testing_support::WaitUntil([&] { return Get(name).has_response_missed_time(); }));
  EXPECT_EQ(FromTimestamp(Get(name).response_missed_time()), due);
  EXPECT_EQ(TimesMissed("ada", name), 1);
}

// Whoever knows all but the secret cannot take the request id of a timer before it fires.
TEST_F(TimersTest, FiresWhateverRequestIdsWereUsedBefore) {
  CreateCustomer("ada");
  const std::string name = OpenCase("ada", "c");
  const absl::Time due = FromTimestamp(Get(name).response_due_time());
  const std::string key = keys::Due(absl::ToUnixMicros(due), name);
  const std::string guesses[] = {
      OwnRequestId("guess", "timer", key),
      absl::StrCat("timer-", absl::BytesToHexString(KeyedHash("", key))),
      absl::StrCat("timer-", absl::BytesToHexString(KeyedHash("", "timer\n" + key)))};
  for (const std::string& guess : guesses) {
    Must(std::string(kService) + "AssignCase",
         absl::StrCat("name: '", name, "' assignee: 'users/7' request_id: '", guess, "'"));
  }
  clock_.Advance(absl::Hours(4));
  EXPECT_TRUE(testing_support::WaitUntil([&] { return Get(name).has_response_missed_time(); }));
}

TEST_F(TimersTest, AResponseInTimeStopsTheClock) {
  CreateCustomer("ada");
  const std::string answered = OpenCase("ada", "answered");
  const std::string silent = OpenCase("ada", "silent");
  Must(std::string(kService) + "RespondCase", "name: '" + answered + "'");
  clock_.Advance(absl::Hours(5));
  ASSERT_TRUE(testing_support::WaitUntil([&] { return Get(silent).has_response_missed_time(); }));
  EXPECT_FALSE(Get(answered).has_response_missed_time());
}

TEST_F(TimersTest, NobodyMarksACaseBeforeItsTime) {
  CreateCustomer("ada");
  const std::string name = OpenCase("ada", "c");
  EXPECT_EQ(ReasonOf(Do(std::string(kService) + "MarkOverdueCase", "name: '" + name + "'").status),
            "CASE_NOT_DUE");
}

TEST_F(TimersTest, WhatFellDueWhileNothingRanIsMarkedAfterwards) {
  CreateCustomer("ada");
  const std::string name = OpenCase("ada", "c");
  node_.reset();
  clock_.Advance(absl::Hours(24));
  Open();
  ASSERT_TRUE(testing_support::WaitUntil([&] { return Get(name).has_response_missed_time(); }));
}

TEST_F(TimersTest, OfADeletedCustomerActsOnceItIsBack) {
  CreateCustomer("ada");
  const std::string name = OpenCase("ada", "c");
  Must(std::string(kAccounts) + "DeleteCustomer", "name: 'customers/ada'");
  clock_.Advance(absl::Hours(5));
  CreateCustomer("eve");
  const std::string other = OpenCase("eve", "c");
  clock_.Advance(absl::Hours(5));
  ASSERT_TRUE(testing_support::WaitUntil([&] { return Get(other).has_response_missed_time(); }));
  EXPECT_FALSE(Get(name).has_response_missed_time());
  Must(std::string(kAccounts) + "UndeleteCustomer", "name: 'customers/ada'");
  ASSERT_TRUE(testing_support::WaitUntil([&] {
    clock_.Advance(absl::Minutes(1));
    return Get(name).has_response_missed_time();
  }));
  EXPECT_EQ(TimesMissed("ada", name), 1);
}

TEST_F(TimersTest, ManyAtOnceAreEachMarkedOnceThoughTheNodeStopsHalfWay) {
  constexpr int kCustomers = 20;
  constexpr int kCases = 50;
  std::vector<std::pair<std::string, std::string>> cases;
  for (int customer = 0; customer < kCustomers; ++customer) {
    const std::string id = absl::StrCat("c", customer);
    CreateCustomer(id);
    for (int i = 0; i < kCases; ++i) cases.emplace_back(id, OpenCase(id, absl::StrCat("k", i)));
  }
  clock_.Advance(absl::Hours(4));
  ASSERT_TRUE(
      testing_support::WaitUntil([&] { return Get(cases[0].second).has_response_missed_time(); }));
  Open();
  for (const auto& [customer, name] : cases) {
    ASSERT_TRUE(testing_support::WaitUntil([&] { return Get(name).has_response_missed_time(); }));
    ASSERT_EQ(TimesMissed(customer, name), 1) << name;
  }
}

}  // namespace
}  // namespace rapport::component
