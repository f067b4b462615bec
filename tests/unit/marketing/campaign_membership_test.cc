#include "services/marketing/domain/campaign_membership.h"

#include "rapport/marketing/v1/refusal.pb.h"
#include "tests/unit/spec.h"

namespace rapport::marketing {
namespace {

using spec::At;
using spec::Given;
using v1::CampaignMembership;
using v1::CampaignMembershipEvent;
using v1::Refusal;

CampaignMembershipEvent Added() {
  CampaignMembershipEvent event;
  auto& membership = *event.mutable_created()->mutable_campaign_membership();
  membership.set_campaign("campaigns/spring");
  membership.set_state(CampaignMembership::ADDED);
  return event;
}
CampaignMembershipEvent Responded(const std::string& response) {
  CampaignMembershipEvent event;
  event.mutable_responded()->set_response(response);
  return event;
}
CampaignMembershipEvent Converted(const std::string& order) {
  CampaignMembershipEvent event;
  event.mutable_converted()->set_order(order);
  return event;
}

v1::CreateCampaignMembershipRequest Add() {
  v1::CreateCampaignMembershipRequest request;
  request.mutable_campaign_membership()->set_campaign("campaigns/spring");
  return request;
}
v1::RespondCampaignMembershipRequest Respond(const std::string& response) {
  v1::RespondCampaignMembershipRequest request;
  request.set_response(response);
  return request;
}
v1::ConvertCampaignMembershipRequest Convert(const std::string& order) {
  v1::ConvertCampaignMembershipRequest request;
  request.set_order(order);
  return request;
}

TEST(AddMembership, IsNamedAfterItsCampaign) {
  EXPECT_EQ(CampaignMembershipAggregate::Id(Add().campaign_membership()), "spring");
  EXPECT_EQ(CampaignMembershipAggregate::Id(CampaignMembership()), "");
}

TEST(AddMembership, BeginsAsAdded) {
  const auto state = Given<CampaignMembershipAggregate>().When(Add()).ThenState();
  EXPECT_EQ(state.state(), CampaignMembership::ADDED);
}

TEST(Respond, KeepsTheAnswer) {
  const auto state =
      Given<CampaignMembershipAggregate>(Added()).When(Respond("yes")).Then(Responded("yes"));
  EXPECT_EQ(state.state(), CampaignMembership::RESPONDED);
  EXPECT_EQ(state.response(), "yes");
  EXPECT_EQ(state.respond_time().seconds(), At(1'000).seconds());
}

TEST(Respond, InTheSameWordsIsNothing) {
  Given<CampaignMembershipAggregate>(Added(), Responded("yes")).When(Respond("yes")).ThenNothing();
}

TEST(Respond, InOtherWordsCountsAsTheLatest) {
  const auto state = Given<CampaignMembershipAggregate>(Added(), Responded("yes"))
                         .When(Respond("no"))
                         .Then(Responded("no"));
  EXPECT_EQ(state.response(), "no");
}

TEST(Respond, LeavesAConvertedMembershipConverted) {
  const auto state = Given<CampaignMembershipAggregate>(Added(), Converted("order"))
                         .When(Respond("thanks"))
                         .Then(Responded("thanks"));
  EXPECT_EQ(state.state(), CampaignMembership::CONVERTED);
  EXPECT_EQ(state.response(), "thanks");
}

TEST(Convert, KeepsTheOrder) {
  const auto state = Given<CampaignMembershipAggregate>(Added(), Responded("yes"))
                         .When(Convert("customers/ada/orders/1"))
                         .Then(Converted("customers/ada/orders/1"));
  EXPECT_EQ(state.state(), CampaignMembership::CONVERTED);
  EXPECT_EQ(state.converted_order(), "customers/ada/orders/1");
  EXPECT_EQ(state.convert_time().seconds(), At(1'000).seconds());
  EXPECT_EQ(state.response(), "yes");
}

TEST(Convert, NeedsNoResponseBefore) {
  Given<CampaignMembershipAggregate>(Added()).When(Convert("")).Then(Converted(""));
}

TEST(Convert, AgainByTheSameOrderIsNothing) {
  Given<CampaignMembershipAggregate>(Added(), Converted("A")).When(Convert("A")).ThenNothing();
}

TEST(Convert, HappensOnce) {
  Given<CampaignMembershipAggregate>(Added(), Converted("A"))
      .When(Convert("B"))
      .ThenRefuses(Refusal::MEMBERSHIP_CONVERTED);
  Given<CampaignMembershipAggregate>(Added(), Converted("A"))
      .When(Convert(""))
      .ThenRefuses(Refusal::MEMBERSHIP_CONVERTED);
}

}  // namespace
}  // namespace rapport::marketing
