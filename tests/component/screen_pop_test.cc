// From a caller's number to the customer view in one call.
#include <gmock/gmock.h>

#include "gateway/gateway.h"
#include "rapport/gateway/v1/view.pb.h"
#include "tests/component/client.h"

namespace rapport::component {
namespace {

using accounts::v1::CustomerMatch;
using gateway::v1::LookupCustomerViewResponse;
using testing::ElementsAre;

const std::string kPop = std::string(kGateway) + "LookupCustomerView";

class ScreenPopTest : public NodeTest {
 protected:
  Reply AddContact(const std::string& customer, const std::string& point) {
    return Must(std::string(kAccounts) + "CreateContactPoint",
                absl::StrCat("parent: 'customers/", customer,
                             "' contact_point_id: 'p' contact_point { ", point, " }"));
  }
  void Verify(const std::string& customer) {
    Must(std::string(kAccounts) + "VerifyContactPoint",
         absl::StrCat("name: 'customers/", customer, "/contactPoints/p' method: CODE"));
  }
  void OpenCase(const std::string& customer, const std::string& id) {
    Must(std::string(kService) + "CreateCase",
         absl::StrCat("parent: 'customers/", customer, "' case_id: '", id,
                      "' case { kind: COMPLAINT subject: 'It squeaks' }"));
  }
  LookupCustomerViewResponse Pop(const std::string& request) {
    return Parsed<LookupCustomerViewResponse>(Must(kPop, request));
  }
  static std::vector<std::string> Matched(const LookupCustomerViewResponse& response) {
    std::vector<std::string> names;
    for (const auto& match : response.matches()) names.push_back(match.customer().name());
    return names;
  }
};

TEST_F(ScreenPopTest, ANumberAsItIsDialledBringsTheView) {
  CreateCustomer("ada");
  AddContact("ada", "phone { number: '+4930901820' }");
  OpenCase("ada", "squeak");
  const LookupCustomerViewResponse popped = Pop("phone: '(030) 90 18 20' region: 'DE'");
  EXPECT_EQ(popped.view().name(), "customers/ada/view");
  EXPECT_EQ(popped.view().customer().display_name(), "Ada");
  ASSERT_EQ(popped.view().cases_size(), 1);
  EXPECT_EQ(popped.view().cases(0).subject(), "It squeaks");
  ASSERT_THAT(Matched(popped), ElementsAre("customers/ada"));
  EXPECT_EQ(popped.matches(0).matched(), "customers/ada/contactPoints/p");
  EXPECT_THAT(popped.matches(0).reasons(), ElementsAre(CustomerMatch::PHONE));
  EXPECT_FALSE(popped.truncated());
}

TEST_F(ScreenPopTest, OfTwoWhoShareANumberTheLikelierIsShownAndBothAreNamed) {
  for (const char* id : {"ada", "bob"}) {
    CreateCustomer(id);
    AddContact(id, "phone { number: '+4930901820' }");
  }
  Verify("ada");
  const LookupCustomerViewResponse popped = Pop("phone: '+4930901820'");
  EXPECT_EQ(popped.view().name(), "customers/ada/view");
  ASSERT_THAT(Matched(popped), ElementsAre("customers/ada", "customers/bob"));
  EXPECT_THAT(popped.matches(0).reasons(),
              ElementsAre(CustomerMatch::PHONE, CustomerMatch::VERIFIED));
  EXPECT_THAT(popped.matches(1).reasons(), ElementsAre(CustomerMatch::PHONE));
}

TEST_F(ScreenPopTest, NobodyIsAnAnswerWithoutAView) {
  const LookupCustomerViewResponse popped = Pop("email: 'nobody@example.com'");
  EXPECT_FALSE(popped.has_view());
  EXPECT_EQ(popped.matches_size(), 0);
}

TEST_F(ScreenPopTest, AnotherSystemsIdBringsTheView) {
  Must(std::string(kAccounts) + "UpsertCustomer",
       "external_id { system: 'sap' id: '0001234' } customer { display_name: 'Wu' kind: PERSON }");
  const LookupCustomerViewResponse popped = Pop("external_id { system: 'sap' id: '0001234' }");
  EXPECT_EQ(popped.view().customer().display_name(), "Wu");
  ASSERT_EQ(popped.matches_size(), 1);
  EXPECT_THAT(popped.matches(0).reasons(), ElementsAre(CustomerMatch::EXTERNAL_ID));
}

TEST_F(ScreenPopTest, TheMaskSaysWhatOfTheViewIsRead) {
  CreateCustomer("ada");
  AddContact("ada", "email: 'ada@example.com'");
  OpenCase("ada", "squeak");
  const LookupCustomerViewResponse popped =
      Pop("email: 'ada@example.com' read_mask { paths: 'cases.subject' }");
  EXPECT_FALSE(popped.view().has_customer());
  ASSERT_EQ(popped.view().cases_size(), 1);
  EXPECT_EQ(popped.view().cases(0).subject(), "It squeaks");
  EXPECT_EQ(popped.view().cases(0).name(), "");
  EXPECT_THAT(Matched(popped), ElementsAre("customers/ada"));
}

TEST_F(ScreenPopTest, SaysWhichFieldIsWrong) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"", "phone"},
      {"phone: '030 901820'", "phone"},
      {"phone: '+4930901820' email: 'ada@example.com'", "email"},
      {"external_id { system: 'SAP 1' id: '1' }", "external_id.system"},
      {"email: 'nobody@example.com' read_mask { paths: 'nonsense' }", "read_mask"},
      // Nobody is asked about a number when it is not clear for what.
      {"phone: '030 901820' read_mask { paths: 'nonsense' }", "read_mask"}};
  for (const auto& [request, field] : kWrong) {
    const Reply refused = Do(kPop, std::string(request));
    EXPECT_TRUE(absl::IsInvalidArgument(refused.status)) << request << ": " << refused.status;
    EXPECT_EQ(ReasonOf(refused.status), field) << request;
  }
}

TEST_F(ScreenPopTest, SeesWhatItsConsistencyTokenSaw) {
  CreateCustomer("ada");
  const Reply added = AddContact("ada", "email: 'ada@example.com'");
  const Reply popped = Must(kPop, std::string("email: 'ada@example.com'"), After(added));
  EXPECT_TRUE(Parsed<LookupCustomerViewResponse>(popped).has_view());
  EXPECT_FALSE(popped.consistency_token.empty());
  // Nobody's answer carries on what it was given.
  const Reply nobody = Must(kPop, std::string("email: 'nobody@example.com'"), After(added));
  EXPECT_EQ(nobody.consistency_token, added.consistency_token);
}

// Passes calls on to a node; as soon as a look-up is answered, and before anybody hears of it, the
// customer who was found first is deleted.
class DeletesTheFirstFound : public Handler {
 public:
  explicit DeletesTheFirstFound(Node& node) : node_(node) {}
  void Handle(CallPtr call) override {
    if (call->method->name() == "LookupCustomers") {
      call->done = [this, done = std::move(call->done)](Reply reply) mutable {
        const auto found = Parsed<accounts::v1::LookupCustomersResponse>(reply);
        const std::string name = found.matches(0).customer().name();
        const Reply deleted = component::Call(node_, std::string(kAccounts) + "DeleteCustomer",
                                              absl::StrCat("name: '", name, "'"));
        EXPECT_TRUE(deleted.status.ok()) << deleted.status;
        done(std::move(reply));
      };
    }
    node_.handler().Handle(std::move(call));
  }

 private:
  Node& node_;
};

TEST_F(ScreenPopTest, WhoVanishesInBetweenIsPassedOver) {
  for (const char* id : {"ada", "bob"}) {
    CreateCustomer(id);
    AddContact(id, "email: 'both@example.com'");
  }
  Verify("ada");
  DeletesTheFirstFound handler(*node_);
  gateway::GatewayOptions options;
  for (const auto& spec : AllServices()) {
    options.backends.push_back({.name = spec.name, .rpc = spec.rpc, .handler = &handler});
  }
  gateway::Gateway between(std::move(options));
  const auto pop = [&between] {
    auto answer = std::make_shared<testing_support::Eventually<Reply>>();
    auto call = std::make_unique<rapport::Call>();
    call->method = FindMethod(kPop);
    const auto request = FromText(call->method->input_type(), "email: 'both@example.com'");
    call->request = request->New(&call->arena);
    call->request->CopyFrom(*request);
    call->done = [answer](Reply reply) { answer->Set(std::move(reply)); };
    between.Handle(std::move(call));
    return Parsed<LookupCustomerViewResponse>(answer->Get());
  };
  LookupCustomerViewResponse popped = pop();
  EXPECT_EQ(popped.view().name(), "customers/bob/view");
  EXPECT_THAT(Matched(popped), ElementsAre("customers/bob"));
  // Now he goes too, and nobody is left.
  popped = pop();
  EXPECT_FALSE(popped.has_view());
  EXPECT_EQ(popped.matches_size(), 0);
}

}  // namespace
}  // namespace rapport::component
