// A customer by another system's id: one key is one customer, whoever comes and whatever dies.
#include <random>
#include <set>
#include <thread>

#include "rapport/accounts/v1/customer.pb.h"
#include "rapport/accounts/v1/external_id.pb.h"
#include "rapport/accounts/v1/lookup.pb.h"
#include "rapport/log/v1/history.pb.h"
#include "services/accounts/domain/external_id.h"
#include "tests/component/client.h"

namespace rapport::component {
namespace {

using accounts::v1::Customer;
using accounts::v1::CustomerMatch;
using accounts::v1::ExternalId;
using accounts::v1::ListCustomersResponse;
using accounts::v1::LookupCustomersResponse;

const char kUpsert[] = "rapport.accounts.v1.Accounts.UpsertCustomer";
const char kKey[] = "external_id { system: 'sap' id: '0001234/A' }";

class UpsertTest : public NodeTest {
 protected:
  static std::string Request(const std::string& display_name, const std::string& more = "") {
    return absl::StrCat(kKey, " customer { display_name: '", display_name, "' kind: PERSON } ",
                        more);
  }
  Customer Upsert(const std::string& display_name, const std::string& more = "") {
    return Parsed<Customer>(Must(kUpsert, Request(display_name, more)));
  }
  int CustomerCount() {
    return Parsed<ListCustomersResponse>(
               Must(std::string(kAccounts) + "ListCustomers", std::string("show_deleted: true")))
        .customers_size();
  }
  // How much has happened to the customer in accounts.
  int64_t LastSequence(const std::string& name) {
    log::v1::ListEventsRequest request;
    request.set_name(name);
    return Parsed<log::v1::ListEventsResponse>(Must(std::string(kAccounts) + "ListEvents", request))
        .last_sequence();
  }
  ExternalId Link(const std::string& system, const std::string& id,
                  const std::string& customer = "") {
    return Parsed<ExternalId>(Must(
        std::string(kAccounts) + "CreateExternalId",
        absl::StrCat("external_id { key { system: '", system, "' id: '", id, "' } ",
                     customer.empty() ? "" : absl::StrCat("customer: '", customer, "'"), " }")));
  }
};

TEST_F(UpsertTest, CreatesFirstAndUpdatesThen) {
  const Customer created = Upsert("Ada");
  const Customer updated = Upsert("Ada Lovelace");
  EXPECT_EQ(updated.name(), created.name());
  EXPECT_EQ(updated.uid(), created.uid());
  EXPECT_EQ(updated.display_name(), "Ada Lovelace");
  EXPECT_EQ(CustomerCount(), 1);
}

TEST_F(UpsertTest, ChangesOnlyWhatTheMaskNames) {
  Upsert("Ada");
  const Customer updated = Parsed<Customer>(
      Must(kUpsert, absl::StrCat(kKey,
                                 " customer { display_name: 'X' kind: PERSON owner: 'users/7' }"
                                 " update_mask { paths: 'owner' }")));
  EXPECT_EQ(updated.display_name(), "Ada");
  EXPECT_EQ(updated.owner(), "users/7");
}

// A retry answers, and takes back nothing that others did since.
TEST_F(UpsertTest, ARepeatChangesNothing) {
  const Customer created = Upsert("Ada", "request_id: 'r1'");
  Upsert("Ada Lovelace", "request_id: 'r2'");
  Must(std::string(kAccounts) + "UpdateCustomer",
       absl::StrCat("customer { name: '", created.name(), "' display_name: 'Lady Lovelace' }"));
  const int64_t sequence = LastSequence(created.name());
  for (const auto& [display_name, id] : {std::pair("Ada", "r1"), {"Ada Lovelace", "r2"}}) {
    const Reply again =
        Must(kUpsert, Request(display_name, absl::StrCat("request_id: '", id, "'")));
    EXPECT_TRUE(again.repeat) << id;
    EXPECT_EQ(Parsed<Customer>(again).display_name(), "Lady Lovelace") << id;
  }
  EXPECT_EQ(LastSequence(created.name()), sequence);
}

TEST_F(UpsertTest, ARequestIdWithAnotherBodyIsRefused) {
  const Customer created = Upsert("Ada", "request_id: 'r1'");
  Upsert("Ada Lovelace", "request_id: 'r2'");
  for (const char* id : {"r1", "r2"}) {
    const Reply reply = Do(kUpsert, Request("Eve", absl::StrCat("request_id: '", id, "'")));
    EXPECT_TRUE(absl::IsAlreadyExists(reply.status)) << reply.status;
    EXPECT_EQ(ReasonOf(reply.status), "REQUEST_ID_REUSED");
  }
  EXPECT_EQ(LastSequence(created.name()), 2);
}

TEST_F(UpsertTest, ManyAtOnceMakeOneCustomer) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937 random(seed);
  constexpr int kThreads = 8;
  constexpr int kRounds = 25;
  constexpr int kKeys = 5;
  std::vector<std::vector<int>> keys(kThreads);
  for (auto& own : keys) {
    for (int i = 0; i < kRounds; ++i) own.push_back(static_cast<int>(random() % kKeys));
  }
  std::mutex mutex;
  std::vector<std::set<std::string>> names(kKeys);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kRounds; ++i) {
        const int key = keys[thread][i];
        // Every second one shares its request id with the other threads.
        const std::string request_id =
            i % 2 == 0 ? absl::StrCat("request_id: 'shared-", key, "'") : "";
        const Reply reply =
            Do(kUpsert,
               absl::StrCat("external_id { system: 'sap' id: '", key,
                            "' } customer { display_name: 'Ada' kind: PERSON } ", request_id));
        const auto customer = Parsed<Customer>(reply);
        std::lock_guard lock(mutex);
        names[key].insert(customer.name());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<std::string> all;
  for (const auto& of_key : names) {
    EXPECT_LE(of_key.size(), 1u);
    all.insert(of_key.begin(), of_key.end());
  }
  EXPECT_EQ(CustomerCount(), static_cast<int>(all.size()));
  for (const auto& name : all) EXPECT_EQ(LastSequence(name), 1) << "all said the same";
}

// What a crash between the two steps leaves: the external id, and no customer yet.
TEST_F(UpsertTest, FinishesWhatACrashLeft) {
  const ExternalId link = Link("sap", "0001234/A");
  Restart();
  EXPECT_TRUE(absl::IsNotFound(
      Do(std::string(kAccounts) + "GetCustomer", absl::StrCat("name: '", link.customer(), "'"))
          .status));
  EXPECT_EQ(Upsert("Ada").name(), link.customer());
  EXPECT_EQ(CustomerCount(), 1);
}

TEST_F(UpsertTest, TwoSystemsLeadToOneCustomer) {
  const Customer ada = Upsert("Ada");
  Link("web-shop", "ada@example.com", ada.name());
  const Customer same = Parsed<Customer>(
      Must(kUpsert, std::string("external_id { system: 'web-shop' id: 'ada@example.com' }"
                                " customer { display_name: 'Ada L.' kind: PERSON }")));
  EXPECT_EQ(same.name(), ada.name());
  for (const char* key :
       {"system: 'sap' id: '0001234/A'", "system: 'web-shop' id: 'ada@example.com'"}) {
    const auto found = Parsed<LookupCustomersResponse>(Must(
        std::string(kAccounts) + "LookupCustomers", absl::StrCat("external_id { ", key, " }")));
    ASSERT_EQ(found.matches_size(), 1) << key;
    EXPECT_EQ(found.matches(0).customer().display_name(), "Ada L.");
    EXPECT_EQ(found.matches(0).reasons(0), CustomerMatch::EXTERNAL_ID);
  }
}

TEST_F(UpsertTest, ALookupFindsNobodyBehindAnUnknownDeletedOrUnfinishedId) {
  const auto found = [this] {
    return Parsed<LookupCustomersResponse>(
               Must(std::string(kAccounts) + "LookupCustomers", std::string(kKey)))
        .matches_size();
  };
  EXPECT_EQ(found(), 0);
  const ExternalId link = Link("sap", "0001234/A");
  EXPECT_EQ(found(), 0);
  Upsert("Ada");
  EXPECT_EQ(found(), 1);
  Must(std::string(kAccounts) + "DeleteExternalId", absl::StrCat("name: '", link.name(), "'"));
  EXPECT_EQ(found(), 0);
}

TEST_F(UpsertTest, WhatIsDeletedStaysSo) {
  const Customer ada = Upsert("Ada");
  Must(std::string(kAccounts) + "DeleteCustomer", absl::StrCat("name: '", ada.name(), "'"));
  EXPECT_EQ(ReasonOf(Do(kUpsert, Request("Ada")).status), "DELETED");
  Must(std::string(kAccounts) + "UndeleteCustomer", absl::StrCat("name: '", ada.name(), "'"));
  accounts::v1::ExternalKey key;
  key.set_system("sap");
  key.set_id("0001234/A");
  const ExternalId link =
      Parsed<ExternalId>(Must(std::string(kAccounts) + "DeleteExternalId",
                              absl::StrCat("name: '", accounts::ExternalIdName(key), "'")));
  EXPECT_EQ(ReasonOf(Do(kUpsert, Request("Ada")).status), "DELETED");
  EXPECT_EQ(link.customer(), ada.name());
}

TEST_F(UpsertTest, OnlyLooksWhereItIsToValidate) {
  const Customer preview = Upsert("Ada", "validate_only: true request_id: 'r1'");
  EXPECT_EQ(preview.display_name(), "Ada");
  EXPECT_EQ(CustomerCount(), 0);
  EXPECT_EQ(Upsert("Ada", "request_id: 'r1'").name(), preview.name());
  EXPECT_EQ(Upsert("Eve", "validate_only: true").display_name(), "Eve");
  EXPECT_EQ(Upsert("Ada").display_name(), "Ada");
}

TEST_F(UpsertTest, TheEtagMustBeThePresentOne) {
  const Customer ada = Upsert("Ada");
  const auto with_etag = [](const std::string& etag) {
    return absl::StrCat(kKey, " customer { display_name: 'Eve' kind: PERSON etag: '", etag, "' }");
  };
  EXPECT_EQ(ReasonOf(Do(kUpsert, with_etag("\"9\"")).status), "ETAG_MISMATCH");
  EXPECT_EQ(Parsed<Customer>(Must(kUpsert, with_etag(ada.etag()))).display_name(), "Eve");
}

TEST_F(UpsertTest, SaysWhichFieldIsWrong) {
  const std::pair<std::string, std::string> kWrong[] = {
      {"customer { display_name: 'Ada' kind: PERSON }", "external_id"},
      {"external_id { system: 'sap' } customer { display_name: 'Ada' kind: PERSON }",
       "external_id.id"},
      {"external_id { system: 'SAP 1' id: '1' } customer { display_name: 'Ada' kind: PERSON }",
       "external_id.system"},
      {absl::StrCat(kKey, " customer { kind: PERSON }"), "customer.display_name"}};
  for (const auto& [request, field] : kWrong) {
    const Reply reply = Do(kUpsert, request);
    EXPECT_TRUE(absl::IsInvalidArgument(reply.status)) << request;
    EXPECT_EQ(ReasonOf(reply.status), field);
  }
  EXPECT_EQ(CustomerCount(), 0);
}

// External ids are many: they lie with the customers' partitions and are listed over all of them.
TEST_F(UpsertTest, ExternalIdsAreListedByCustomer) {
  CreateCustomer("ada");
  std::set<std::string> linked;
  for (int i = 0; i < 20; ++i) {
    const ExternalId link = Link("sap", absl::StrCat(i), i % 2 == 0 ? "customers/ada" : "");
    if (i % 2 == 0) linked.insert(link.name());
  }
  const auto list = Parsed<accounts::v1::ListExternalIdsResponse>(
      Must(std::string(kAccounts) + "ListExternalIds",
           std::string("filter: 'customer = \"customers/ada\"'")));
  std::set<std::string> found;
  for (const auto& link : list.external_ids()) found.insert(link.name());
  EXPECT_EQ(found, linked);
}

}  // namespace
}  // namespace rapport::component
