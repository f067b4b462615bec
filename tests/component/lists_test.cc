// Pages, filters and orders over real projections, while writes go on.
#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "gmock/gmock.h"
#include "rapport/accounts/v1/customer.pb.h"
#include "rapport/sales/v1/activity.pb.h"
#include "rapport/sales/v1/order.pb.h"
#include "rapport/service/v1/case.pb.h"
#include "tests/component/client.h"

namespace rapport::component {
namespace {

using accounts::v1::ListCustomersRequest;
using accounts::v1::ListCustomersResponse;
using service::v1::ListCasesRequest;
using service::v1::ListCasesResponse;

const char kListCustomers[] = "rapport.accounts.v1.Accounts.ListCustomers";
const char kListCases[] = "rapport.service.v1.Service.ListCases";

class ListsTest : public NodeTest {
 protected:
  // The ids of all pages, in their order.
  std::vector<std::string> CustomersOf(ListCustomersRequest request) {
    std::vector<std::string> names;
    do {
      const auto page = Parsed<ListCustomersResponse>(Must(kListCustomers, request));
      EXPECT_LE(page.customers_size(), request.page_size() > 0 ? request.page_size() : 50);
      for (const auto& customer : page.customers()) names.push_back(customer.name());
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return names;
  }
  std::vector<std::string> CasesOf(ListCasesRequest request) {
    std::vector<std::string> names;
    do {
      const auto page = Parsed<ListCasesResponse>(Must(kListCases, request));
      for (const auto& one : page.cases()) names.push_back(one.name());
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return names;
  }
  void OpenCase(const std::string& customer, const std::string& id, int64_t occur_seconds) {
    Must("rapport.service.v1.Service.CreateCase",
         absl::StrCat("parent: 'customers/", customer, "' case_id: '", id,
                      "' case { kind: COMPLAINT subject: 'It squeaks' } occur_time { seconds: ",
                      occur_seconds, " }"));
  }
};

TEST_F(ListsTest, ShowEveryRowOnceWithAnyPageSize) {
  std::vector<std::string> all;
  for (int i = 10; i < 23; ++i) {
    CreateCustomer(absl::StrCat("c", i));
    all.push_back(absl::StrCat("customers/c", i));
  }
  for (int page_size = 0; page_size <= 14; ++page_size) {
    ListCustomersRequest request;
    request.set_page_size(page_size);
    EXPECT_EQ(CustomersOf(request), all) << "page_size " << page_size;
  }
}

TEST_F(ListsTest, OfActivitiesAreAnAgendaPerUserAcrossCustomers) {
  const auto plan = [&](const std::string& customer, const std::string& id,
                        const std::string& user) {
    Must(std::string(kSales) + "CreateActivity",
         "parent: 'customers/" + customer + "' activity_id: '" + id +
             "' activity { kind: CALL subject: 'x' assignee: '" + user + "' }");
  };
  for (const char* customer : {"ada", "bob", "cy"}) {
    CreateCustomer(customer);
    plan(customer, "mine", "users/7");
    plan(customer, "theirs", "users/8");
  }
  Must(std::string(kSales) + "CompleteActivity",
       "name: 'customers/bob/activities/mine' outcome: 'reached'");
  Must(std::string(kSales) + "AssignActivity",
       "name: 'customers/cy/activities/theirs' assignee: 'users/7'");
  const auto agenda = Parsed<sales::v1::ListActivitiesResponse>(
      Must(std::string(kSales) + "ListActivities",
           "parent: 'customers/-' filter: 'assignee=\"users/7\" AND state=OPEN'"));
  std::vector<std::string> names;
  for (const auto& activity : agenda.activities()) names.push_back(activity.name());
  EXPECT_EQ(names, (std::vector<std::string>{"customers/ada/activities/mine",
                                             "customers/cy/activities/mine",
                                             "customers/cy/activities/theirs"}));
}

// Rows that are there from beginning to end appear exactly once, whatever comes and goes between.
TEST_F(ListsTest, ShowEveryStableRowOnceWhileWritesGoOn) {
  std::vector<std::string> stable;
  for (int i = 10; i < 40; ++i) {
    CreateCustomer(absl::StrCat("m", i));
    stable.push_back(absl::StrCat("customers/m", i));
  }
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      CreateCustomer(absl::StrCat(i % 2 == 0 ? "a" : "z", i));
      CreateCustomer(absl::StrCat("m", 10 + i % 30, "-", i));
      Must("rapport.accounts.v1.Accounts.UpdateCustomer",
           absl::StrCat("customer { name: 'customers/m", 10 + i % 30,
                        "' labels { key: 'i' value: '", i, "' } }"));
    }
  });
  for (int page_size = 1; page_size <= 5; ++page_size) {
    ListCustomersRequest request;
    request.set_page_size(page_size);
    const auto seen = CustomersOf(request);
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
    for (const auto& name : stable) EXPECT_EQ(std::count(seen.begin(), seen.end(), name), 1);
  }
  stop = true;
  writer.join();
}

TEST_F(ListsTest, RefuseATokenOfAnotherQuery) {
  for (const char* id : {"a", "b", "c"}) CreateCustomer(id);
  ListCustomersRequest request;
  request.set_page_size(1);
  const auto page = Parsed<ListCustomersResponse>(Must(kListCustomers, request));
  request.set_page_token(page.next_page_token());
  request.set_page_size(2);
  EXPECT_TRUE(Do(kListCustomers, request).status.ok()) << "the page size may change";

  const auto refuses = [&](ListCustomersRequest other, const char* what) {
    EXPECT_EQ(ReasonOf(Do(kListCustomers, other).status), "page_token") << what;
  };
  ListCustomersRequest other = request;
  other.set_filter("kind = PERSON");
  refuses(other, "filter");
  other = request;
  other.set_show_deleted(true);
  refuses(other, "show_deleted");
  other = request;
  other.set_page_token(request.page_token().substr(1));
  refuses(other, "cut");
  other = request;
  other.mutable_page_token()->back() ^= 1;
  refuses(other, "changed");
  OpenCase("a", "x", 1);
  EXPECT_EQ(
      ReasonOf(Do(kListCases, "parent: 'customers/a' page_token: '" + request.page_token() + "'")
                   .status),
      "page_token");
}

TEST_F(ListsTest, KeepTokensOverARestart) {
  for (const char* id : {"a", "b", "c"}) CreateCustomer(id);
  ListCustomersRequest request;
  request.set_page_size(1);
  request.set_page_token(
      Parsed<ListCustomersResponse>(Must(kListCustomers, request)).next_page_token());
  Restart();
  EXPECT_EQ(CustomersOf(request), (std::vector<std::string>{"customers/b", "customers/c"}));
}

// An index only makes a filter fast: with a term that no index knows, the same rows come.
TEST_F(ListsTest, FindTheSameWithAnIndexAsWithout) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  const std::vector<std::string> kKinds = {"PERSON", "ORGANIZATION", "HOUSEHOLD"};
  const std::vector<std::string> kRoles = {"", "roles: DIRECT", "roles: DEALER roles: DIRECT"};
  const std::vector<std::string> kOwners = {"", "owner: 'users/7'", "owner: 'users/70'",
                                            "owner: 'Users/7'"};
  for (int i = 0; i < 60; ++i) {
    const std::string id = absl::StrCat("c", 100 + i);
    const std::string text = absl::StrCat("kind: ", kKinds[random() % 3], " ", kRoles[random() % 3],
                                          " ", kOwners[random() % 4]);
    Must(std::string(kAccounts) + "CreateCustomer",
         "customer_id: '" + id + "' customer { display_name: 'Ada' " + text + " }");
    if (random() % 5 == 0) {
      Must(std::string(kAccounts) + "UpdateCustomer",
           "customer { name: 'customers/" + id + "' owner: 'users/8' }");
    }
    if (random() % 7 == 0) {
      Must(std::string(kAccounts) + "DeleteCustomer", "name: 'customers/" + id + "'");
    }
  }
  const std::vector<std::string> kFilters = {"kind = PERSON",
                                             "kind = HOUSEHOLD",
                                             "roles : DIRECT",
                                             "roles : DEALER",
                                             "owner = \"users/7\"",
                                             "owner = \"Users/7\"",
                                             "owner = \"USERS/7\"",
                                             "owner = \"users/8\"",
                                             "owner = \"\"",
                                             "owner = \"users/*\"",
                                             "kind = PERSON AND owner = \"users/7\""};
  for (const auto& filter : kFilters) {
    for (const bool show_deleted : {false, true}) {
      ListCustomersRequest indexed;
      indexed.set_filter(filter);
      indexed.set_show_deleted(show_deleted);
      indexed.set_page_size(3);
      ListCustomersRequest walked = indexed;
      // OR at the top: no equality is required, so that every row is looked at.
      walked.set_filter("(" + filter + ") OR display_name = \"nobody\"");
      EXPECT_EQ(CustomersOf(indexed), CustomersOf(walked)) << filter;
    }
  }
  ListCustomersRequest people;
  people.set_filter("kind = PERSON");
  EXPECT_FALSE(CustomersOf(people).empty()) << "the filters find something at all";
}

TEST_F(ListsTest, HideTheDeletedUnlessAsked) {
  for (const char* id : {"a", "b"}) CreateCustomer(id);
  Must("rapport.accounts.v1.Accounts.DeleteCustomer", "name: 'customers/a'");
  ListCustomersRequest request;
  EXPECT_EQ(CustomersOf(request), (std::vector<std::string>{"customers/b"}));
  request.set_show_deleted(true);
  EXPECT_EQ(CustomersOf(request), (std::vector<std::string>{"customers/a", "customers/b"}));
}

TEST_F(ListsTest, GiveTheNewestOfOneCustomerFirst) {
  CreateCustomer("a");
  CreateCustomer("b");
  OpenCase("a", "old", 1'000);
  OpenCase("a", "new", 3'000);
  OpenCase("a", "before-1970", -5);
  OpenCase("a", "mid", 2'000);
  OpenCase("b", "other", 2'500);
  for (int page_size = 1; page_size <= 5; ++page_size) {
    ListCasesRequest request;
    request.set_parent("customers/a");
    request.set_order_by("occur_time desc");
    request.set_page_size(page_size);
    EXPECT_EQ(CasesOf(request),
              (std::vector<std::string>{"customers/a/cases/new", "customers/a/cases/mid",
                                        "customers/a/cases/old", "customers/a/cases/before-1970"}));
  }
  EXPECT_EQ(ReasonOf(Do(kListCases, "parent: 'customers/a' order_by: 'subject'").status),
            "order_by");
  EXPECT_EQ(ReasonOf(Do(kListCases, "parent: 'customers/-' order_by: 'occur_time desc'").status),
            "order_by");
}

TEST_F(ListsTest, GoByAnIndexedFieldOrByNameEitherWay) {
  // Two have no owner, and two the same one.
  const std::pair<const char*, const char*> owners[] = {
      {"a", "users/2"}, {"b", ""}, {"c", "users/10"}, {"d", "users/2"}, {"e", ""}};
  for (const auto& [id, owner] : owners) CreateCustomer(id, absl::StrCat("owner: '", owner, "'"));
  const std::pair<const char*, std::vector<const char*>> orders[] = {
      {"owner", {"b", "e", "c", "a", "d"}},
      {"owner desc", {"d", "a", "c", "e", "b"}},
      {"name", {"a", "b", "c", "d", "e"}},
      {"name desc", {"e", "d", "c", "b", "a"}},
  };
  for (const auto& [order, ids] : orders) {
    std::vector<std::string> names;
    for (const char* id : ids) names.push_back(absl::StrCat("customers/", id));
    for (int page_size = 1; page_size <= 6; ++page_size) {
      ListCustomersRequest request;
      request.set_order_by(order);
      request.set_page_size(page_size);
      EXPECT_EQ(CustomersOf(request), names) << order << " by " << page_size;
    }
  }
  ListCustomersRequest persons;
  persons.set_order_by("name desc");
  persons.set_filter("owner = \"users/2\"");
  EXPECT_EQ(CustomersOf(persons), (std::vector<std::string>{"customers/d", "customers/a"}));
}

TEST_F(ListsTest, TurnOneCustomersTimesRound) {
  CreateCustomer("a");
  OpenCase("a", "second", 2'000);
  OpenCase("a", "first", 1'000);
  ListCasesRequest request;
  request.set_parent("customers/a");
  request.set_page_size(1);
  for (const char* order : {"occur_time", "occurTime"}) {
    request.set_order_by(order);
    EXPECT_EQ(CasesOf(request),
              (std::vector<std::string>{"customers/a/cases/first", "customers/a/cases/second"}));
  }
  request.set_parent("customers/-");
  request.set_order_by("state desc");
  EXPECT_EQ(CasesOf(request),
            (std::vector<std::string>{"customers/a/cases/second", "customers/a/cases/first"}));
}

TEST_F(ListsTest, NameTheOrdersThatThereAre) {
  for (const char* order : {"display_name", "roles", "owner asc", "owner, kind", "owner desc x"}) {
    const Reply refused = Do(kListCustomers, absl::StrCat("order_by: '", order, "'"));
    EXPECT_EQ(ReasonOf(refused.status), "order_by") << order;
    EXPECT_THAT(std::string(refused.status.message()), testing::HasSubstr("name, kind, owner"));
  }
}

TEST_F(ListsTest, GoAcrossCustomersWithADash) {
  std::vector<std::string> all;
  for (int customer = 10; customer < 20; ++customer) {
    CreateCustomer(absl::StrCat("c", customer));
    for (const char* id : {"x", "y"}) {
      OpenCase(absl::StrCat("c", customer), id, 1'000);
      all.push_back(absl::StrCat("customers/c", customer, "/cases/", id));
    }
  }
  for (const char* filter : {"", "kind = COMPLAINT"}) {
    ListCasesRequest request;
    request.set_parent("customers/-");
    request.set_page_size(3);
    request.set_filter(filter);
    EXPECT_EQ(CasesOf(request), all) << filter;
    // One customer's rows only, although another's name begins alike.
    request.set_parent("customers/c1");
    EXPECT_TRUE(CasesOf(request).empty()) << filter;
  }
}

TEST_F(ListsTest, CutAPageThatIsTooLargeAndRefuseANegativeOne) {
  CreateCustomer("a");
  EXPECT_TRUE(Do(kListCustomers, "page_size: 100000").status.ok());
  EXPECT_EQ(ReasonOf(Do(kListCustomers, "page_size: -1").status), "page_size");
  EXPECT_EQ(ReasonOf(Do(kListCustomers, "filter: 'kind = NOBODY'").status), "filter");
}

TEST_F(ListsTest, MaskEveryRow) {
  CreateCustomer("a", "owner: 'users/7'");
  const auto page = Parsed<ListCustomersResponse>(
      Must(kListCustomers, "read_mask { paths: 'owner' } filter: 'kind = PERSON'"));
  ASSERT_EQ(page.customers_size(), 1);
  EXPECT_EQ(page.customers(0).owner(), "users/7");
  EXPECT_EQ(page.customers(0).display_name(), "");
  EXPECT_EQ(ReasonOf(Do(kListCustomers, "read_mask { paths: 'nonsense' }").status), "read_mask");
}

}  // namespace
}  // namespace rapport::component
