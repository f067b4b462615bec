#include "services/accounts/domain/customer.h"

#include "rapport/accounts/v1/refusal.pb.h"
#include "tests/unit/spec.h"

namespace rapport::accounts {
namespace {

using spec::At;
using spec::Given;
using v1::Customer;
using v1::CustomerEvent;
using v1::Refusal;

CustomerEvent Met() {
  CustomerEvent event;
  event.mutable_created()->mutable_customer()->set_display_name("Ada");
  return event;
}
CustomerEvent Established(const std::string& reason = "met at the fair") {
  CustomerEvent event;
  event.mutable_established()->set_reason(reason);
  return event;
}
CustomerEvent Developed(const std::string& reason = "bought twice") {
  CustomerEvent event;
  event.mutable_developed()->set_reason(reason);
  return event;
}
CustomerEvent Maintained(const std::string& reason = "contract") {
  CustomerEvent event;
  event.mutable_maintained()->set_reason(reason);
  return event;
}
CustomerEvent Broken(const std::string& reason = "went elsewhere") {
  CustomerEvent event;
  event.mutable_broken()->set_reason(reason);
  return event;
}
CustomerEvent WonBack(const std::string& reason = "apology") {
  CustomerEvent event;
  event.mutable_won_back()->set_reason(reason);
  return event;
}
template <class Request>
Request For(const std::string& reason) {
  Request request;
  request.set_reason(reason);
  return request;
}
v1::EstablishCustomerRequest Establish() {
  return For<v1::EstablishCustomerRequest>("met at the fair");
}
v1::DevelopCustomerRequest Develop() {
  return For<v1::DevelopCustomerRequest>("bought twice");
}
v1::MaintainCustomerRequest Maintain() {
  return For<v1::MaintainCustomerRequest>("contract");
}
v1::BreakCustomerRequest Break() {
  return For<v1::BreakCustomerRequest>("went elsewhere");
}
v1::WinBackCustomerRequest WinBack() {
  return For<v1::WinBackCustomerRequest>("apology");
}

TEST(CustomerLifecycle, GoesFromTheFirstMeetingToTheContract) {
  Given<CustomerAggregate>(Met()).When(Establish()).Then(Established());
  Given<CustomerAggregate>(Met(), Established()).When(Develop()).Then(Developed());
  Given<CustomerAggregate>(Met(), Established(), Developed()).When(Maintain()).Then(Maintained());
  Given<CustomerAggregate>(Met(), Established(), Developed(), Maintained())
      .When(Develop())
      .Then(Developed());
}

TEST(CustomerLifecycle, KeepsTheStageItsReasonAndSinceWhen) {
  const Customer customer =
      Given<CustomerAggregate>(Met(), Established()).When(Develop()).ThenState();
  EXPECT_EQ(customer.stage(), Customer::DEVELOPED);
  EXPECT_EQ(customer.stage_reason(), "bought twice");
  EXPECT_EQ(customer.stage_time().seconds(), At(1'000).seconds());
}

TEST(CustomerLifecycle, BreaksFromEveryStage) {
  Given<CustomerAggregate>(Met(), Established()).When(Break()).Then(Broken());
  Given<CustomerAggregate>(Met(), Established(), Developed()).When(Break()).Then(Broken());
  Given<CustomerAggregate>(Met(), Established(), Developed(), Maintained())
      .When(Break())
      .Then(Broken());
  Given<CustomerAggregate>(Met(), Established(), Broken(), WonBack()).When(Break()).Then(Broken());
}

TEST(CustomerLifecycle, GoesOnFromWonBack) {
  Given<CustomerAggregate>(Met(), Established(), Broken()).When(WinBack()).Then(WonBack());
  Given<CustomerAggregate>(Met(), Established(), Broken(), WonBack())
      .When(Develop())
      .Then(Developed());
  Given<CustomerAggregate>(Met(), Established(), Broken(), WonBack())
      .When(Maintain())
      .Then(Maintained());
}

TEST(CustomerLifecycle, IsNothingWhereItIsSoAlready) {
  Given<CustomerAggregate>(Met(), Established()).When(Establish()).ThenNothing();
  Given<CustomerAggregate>(Met(), Established(), Developed()).When(Develop()).ThenNothing();
  Given<CustomerAggregate>(Met(), Established(), Developed(), Maintained())
      .When(Maintain())
      .ThenNothing();
  Given<CustomerAggregate>(Met(), Established(), Broken()).When(Break()).ThenNothing();
  Given<CustomerAggregate>(Met(), Established(), Broken(), WonBack()).When(WinBack()).ThenNothing();
}

TEST(CustomerLifecycle, BeginsWithEstablish) {
  Given<CustomerAggregate>(Met()).When(Develop()).ThenRefuses(Refusal::CUSTOMER_NOT_ESTABLISHED);
  Given<CustomerAggregate>(Met()).When(Maintain()).ThenRefuses(Refusal::CUSTOMER_NOT_ESTABLISHED);
  Given<CustomerAggregate>(Met()).When(Break()).ThenRefuses(Refusal::CUSTOMER_NOT_ESTABLISHED);
  Given<CustomerAggregate>(Met()).When(WinBack()).ThenRefuses(Refusal::CUSTOMER_NOT_ESTABLISHED);
}

TEST(CustomerLifecycle, RefusesTheWrongOrder) {
  Given<CustomerAggregate>(Met(), Established())
      .When(Maintain())
      .ThenRefuses(Refusal::CUSTOMER_NOT_DEVELOPED);
  Given<CustomerAggregate>(Met(), Established(), Developed())
      .When(Establish())
      .ThenRefuses(Refusal::CUSTOMER_ESTABLISHED);
  Given<CustomerAggregate>(Met(), Established(), Broken(), WonBack())
      .When(Establish())
      .ThenRefuses(Refusal::CUSTOMER_ESTABLISHED);
  Given<CustomerAggregate>(Met(), Established())
      .When(WinBack())
      .ThenRefuses(Refusal::CUSTOMER_NOT_BROKEN);
}

TEST(CustomerLifecycle, IsOnlyWonBackOnceItIsBroken) {
  Given<CustomerAggregate>(Met(), Established(), Broken())
      .When(Establish())
      .ThenRefuses(Refusal::CUSTOMER_BROKEN);
  Given<CustomerAggregate>(Met(), Established(), Broken())
      .When(Develop())
      .ThenRefuses(Refusal::CUSTOMER_BROKEN);
  Given<CustomerAggregate>(Met(), Established(), Broken())
      .When(Maintain())
      .ThenRefuses(Refusal::CUSTOMER_BROKEN);
}

// A plain correction leaves the stage alone.
TEST(ChangeCustomer, DoesNotTouchTheStage) {
  v1::UpdateCustomerRequest request;
  request.mutable_customer()->set_owner("users/7");
  const Customer customer =
      Given<CustomerAggregate>(Met(), Established()).When(request).ThenState();
  EXPECT_EQ(customer.stage(), Customer::ESTABLISHED);
}

}  // namespace
}  // namespace rapport::accounts
