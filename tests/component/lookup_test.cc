// Number in, customers out, over all partitions.
#include "rapport/accounts/v1/contact_point.pb.h"
#include "rapport/accounts/v1/lookup.pb.h"
#include "tests/component/client.h"

namespace rapport::component {
namespace {

using accounts::v1::ContactPoint;
using accounts::v1::CustomerMatch;
using accounts::v1::LookupCustomersResponse;

const char kLookup[] = "rapport.accounts.v1.Accounts.LookupCustomers";

class LookupTest : public NodeTest {
 protected:
  ContactPoint AddContact(const std::string& customer, const std::string& id,
                          const std::string& point) {
    return Parsed<ContactPoint>(
        Must(std::string(kAccounts) + "CreateContactPoint",
             absl::StrCat("parent: 'customers/", customer, "' contact_point_id: '", id,
                          "' contact_point { ", point, " }")));
  }
  void Verify(const std::string& name) {
    Must(std::string(kAccounts) + "VerifyContactPoint",
         absl::StrCat("name: '", name, "' method: CODE"));
  }
  void Prefer(const std::string& name, int64_t seconds) {
    Must(std::string(kAccounts) + "PreferContactPoint",
         absl::StrCat("name: '", name, "' occur_time { seconds: ", seconds, " }"));
  }
  LookupCustomersResponse Lookup(const std::string& request) {
    return Parsed<LookupCustomersResponse>(Must(kLookup, request));
  }
  std::vector<std::string> Found(const std::string& request) {
    std::vector<std::string> names;
    const LookupCustomersResponse response = Lookup(request);
    for (const auto& match : response.matches()) names.push_back(match.customer().name());
    return names;
  }
  using Names = std::vector<std::string>;
};

TEST_F(LookupTest, APhoneInAnyNationalFormatFindsItsCustomer) {
  CreateCustomer("ada");
  CreateCustomer("bob");
  AddContact("ada", "p", "phone { raw: '030 / 90 18 20' region_code: 'DE' }");
  AddContact("bob", "p", "phone { number: '+14155552671' }");
  for (const char* asked :
       {"phone: '+49 30 901820'", "phone: '(030) 901820' region: 'DE'",
        "phone: '0049 30 901820' region: 'FR'", "phone: '011 49 30 901820' region: 'US'"}) {
    EXPECT_EQ(Found(asked), Names{"customers/ada"}) << asked;
  }
  EXPECT_EQ(Found("phone: '415-555-2671' region: 'US'"), Names{"customers/bob"});
  EXPECT_EQ(Found("phone: '+49 30 901821'"), Names());
}

TEST_F(LookupTest, AnEmailIsFoundRegardlessOfCase) {
  CreateCustomer("ada");
  AddContact("ada", "e", "email: 'Ada@Example.com'");
  EXPECT_EQ(Found("email: ' ADA@example.COM'"), Names{"customers/ada"});
  EXPECT_EQ(Found("email: 'bob@example.com'"), Names());
}

TEST_F(LookupTest, TheLikeliestComesFirstWithItsReasons) {
  const std::string phone = "phone { number: '+4930901820' }";
  for (const char* id : {"old", "new", "preferred", "verified"}) CreateCustomer(id);
  for (const char* id : {"verified", "preferred", "old", "new"}) AddContact(id, "p", phone);
  Verify("customers/verified/contactPoints/p");
  Prefer("customers/preferred/contactPoints/p", 1'000);

  const LookupCustomersResponse response = Lookup("phone: '+4930901820'");
  ASSERT_EQ(response.matches_size(), 4);
  EXPECT_FALSE(response.truncated());
  const char* const kOrder[] = {"verified", "preferred", "new", "old"};
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(response.matches(i).customer().name(), absl::StrCat("customers/", kOrder[i]));
    EXPECT_EQ(response.matches(i).reasons(0), CustomerMatch::PHONE);
  }
  EXPECT_EQ(response.matches(0).reasons(1), CustomerMatch::VERIFIED);
  EXPECT_EQ(response.matches(1).reasons(1), CustomerMatch::PREFERRED);
  EXPECT_EQ(response.matches(2).reasons_size(), 1);
  EXPECT_EQ(response.matches(0).matched(), "customers/verified/contactPoints/p");
  EXPECT_EQ(response.matches(0).customer().display_name(), "Ada");
}

TEST_F(LookupTest, ACustomerIsFoundOnceByItsBestContactPoint) {
  CreateCustomer("ada");
  for (const char* id : {"a", "b", "c"}) AddContact("ada", id, "email: 'ada@example.com'");
  Verify("customers/ada/contactPoints/b");
  const LookupCustomersResponse response = Lookup("email: 'ada@example.com'");
  ASSERT_EQ(response.matches_size(), 1);
  EXPECT_EQ(response.matches(0).matched(), "customers/ada/contactPoints/b");
}

TEST_F(LookupTest, OfOneCustomerOnlyTheLastPreferredIsPreferred) {
  CreateCustomer("ada");
  AddContact("ada", "work", "email: 'ada@work.example'");
  AddContact("ada", "home", "email: 'ada@home.example'");
  Prefer("customers/ada/contactPoints/work", 1'000);
  Prefer("customers/ada/contactPoints/home", 2'000);
  EXPECT_EQ(Lookup("email: 'ada@work.example'").matches(0).reasons_size(), 1);
  EXPECT_EQ(Lookup("email: 'ada@home.example'").matches(0).reasons(1), CustomerMatch::PREFERRED);
  Must(std::string(kAccounts) + "DeleteContactPoint", "name: 'customers/ada/contactPoints/home'");
  EXPECT_EQ(Lookup("email: 'ada@work.example'").matches(0).reasons(1), CustomerMatch::PREFERRED);
}

TEST_F(LookupTest, WhatIsDeletedOrChangedIsFoundNoMore) {
  CreateCustomer("ada");
  CreateCustomer("bob");
  CreateCustomer("eve");
  for (const char* id : {"ada", "bob", "eve"}) AddContact(id, "e", "email: 'all@example.com'");
  Must(std::string(kAccounts) + "DeleteContactPoint", "name: 'customers/ada/contactPoints/e'");
  Must(std::string(kAccounts) + "DeleteCustomer", "name: 'customers/bob'");
  EXPECT_EQ(Found("email: 'all@example.com'"), Names{"customers/eve"});
  Must(std::string(kAccounts) + "UpdateContactPoint",
       "contact_point { name: 'customers/eve/contactPoints/e' email: 'Eve@example.com' }");
  EXPECT_EQ(Found("email: 'all@example.com'"), Names());
  EXPECT_EQ(Found("email: 'eve@example.com'"), Names{"customers/eve"});
  Must(std::string(kAccounts) + "UndeleteCustomer", "name: 'customers/bob'");
  EXPECT_EQ(Found("email: 'all@example.com'"), Names{"customers/bob"});
}

TEST_F(LookupTest, ASharedNumberIsCutAndSaysSo) {
  for (int i = 0; i < 52; ++i) {
    CreateCustomer(absl::StrCat("c", i));
    AddContact(absl::StrCat("c", i), "e", "email: 'info@example.com'");
  }
  const LookupCustomersResponse response = Lookup("email: 'info@example.com'");
  EXPECT_EQ(response.matches_size(), 50);
  EXPECT_TRUE(response.truncated());
}

TEST_F(LookupTest, AsksForOneKindAndSaysWhichFieldIsWrong) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"", "phone"},
      {"region: 'DE'", "phone"},
      {"phone: '+4930901820' email: 'ada@example.com'", "email"},
      {"email: 'ada@example.com' external_id { system: 'sap' id: '1' }", "external_id"},
      {"external_id { system: 'SAP 1' id: '1' }", "external_id.system"},
      {"email: 'ada@example.com' region: 'DE'", "region"},
      {"phone: '030 901820'", "phone"},
      {"email: 'ada'", "email"}};
  for (const auto& [request, field] : kWrong) {
    const Reply reply = Do(kLookup, std::string(request));
    EXPECT_TRUE(absl::IsInvalidArgument(reply.status)) << request;
    EXPECT_EQ(ReasonOf(reply.status), field) << request;
  }
}

TEST_F(LookupTest, SeesWhatItsConsistencyTokenSaw) {
  CreateCustomer("ada");
  const Reply added = Must(std::string(kAccounts) + "CreateContactPoint",
                           "parent: 'customers/ada' contact_point { email: 'ada@example.com' }");
  const auto response = Parsed<LookupCustomersResponse>(
      Must(kLookup, std::string("email: 'ada@example.com'"), After(added)));
  EXPECT_EQ(response.matches_size(), 1);
}

TEST_F(LookupTest, ARestartFindsWhatWasFound) {
  CreateCustomer("ada");
  AddContact("ada", "p", "phone { number: '+4930901820' }");
  Restart();
  EXPECT_EQ(Found("phone: '+4930901820'"), Names{"customers/ada"});
}

// Contact points are decided where their customer is.
TEST_F(LookupTest, ContactPointsNeedALivingCustomer) {
  const std::string create = std::string(kAccounts) + "CreateContactPoint";
  const std::string request = "parent: 'customers/ada' contact_point { email: 'ada@example.com' }";
  EXPECT_TRUE(absl::IsNotFound(Do(create, request).status));
  CreateCustomer("ada");
  EXPECT_TRUE(Do(create, request).status.ok());
  Must(std::string(kAccounts) + "DeleteCustomer", "name: 'customers/ada'");
  EXPECT_EQ(ReasonOf(Do(create, request).status), "DELETED");
}

// The other services follow accounts' log: a contact point's end is not its customer's.
TEST_F(LookupTest, ADeletedContactPointLeavesItsCustomerLivingElsewhere) {
  CreateCustomer("ada");
  AddContact("ada", "e", "email: 'ada@example.com'");
  const Reply deleted =
      Must(std::string(kAccounts) + "DeleteContactPoint", "name: 'customers/ada/contactPoints/e'");
  const Reply opened =
      Do("rapport.service.v1.Service.CreateCase",
         std::string("parent: 'customers/ada' case { kind: QUESTION subject: 'Why' }"),
         After(deleted));
  EXPECT_TRUE(opened.status.ok()) << opened.status;
}

}  // namespace
}  // namespace rapport::component
