#include "services/runtime/tls/caller.h"

#include "gmock/gmock.h"

namespace rapport {
namespace {

using testing::HasSubstr;

const Instances kInstances = {"spiffe://crm/gateway", "accounts.crm"};

TEST(ActorOf, IsTheCallersFirstName) {
  EXPECT_EQ(*ActorOf({"spiffe://crm/desk", "desk.crm"}, kInstances, ""), "spiffe://crm/desk");
}

TEST(ActorOf, OfAStrangerIsNotWhatItSays) {
  EXPECT_EQ(*ActorOf({"spiffe://crm/desk"}, kInstances, "users/ceo"), "spiffe://crm/desk");
}

TEST(ActorOf, OfAnInstanceIsWhatItSays) {
  EXPECT_EQ(*ActorOf({"spiffe://crm/gateway"}, kInstances, "users/7"), "users/7");
  EXPECT_EQ(*ActorOf({"spiffe://crm/other", "accounts.crm"}, kInstances, "users/7"), "users/7");
  EXPECT_EQ(*ActorOf({"accounts.crm"}, kInstances, ""), "accounts.crm");
}

TEST(ActorOf, WantsAName) {
  const auto actor = ActorOf({}, kInstances, "users/7");
  EXPECT_EQ(actor.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(actor.status().message()), HasSubstr("subjectAltName"));
}

TEST(CheckInstance, SaysWhereToNameOne) {
  EXPECT_TRUE(CheckInstance({"accounts.crm"}, kInstances).ok());
  // Not a part of a name, nor another spelling of it.
  for (const char* name : {"accounts.crm.evil", "crm", "ACCOUNTS.crm", "*.crm"}) {
    const absl::Status refused = CheckInstance({name}, kInstances);
    EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied) << name;
    EXPECT_THAT(std::string(refused.message()), HasSubstr(name));
    EXPECT_THAT(std::string(refused.message()), HasSubstr("--tls-instances"));
  }
  EXPECT_FALSE(CheckInstance({}, kInstances).ok());
}

TEST(CountsAsName, WhatCanBeSentAndLogged) {
  EXPECT_TRUE(CountsAsName("spiffe://crm/desk"));
  EXPECT_TRUE(CountsAsName(std::string(kMaxNameLength, 'n')));
  EXPECT_FALSE(CountsAsName(std::string(kMaxNameLength + 1, 'n')));
  EXPECT_FALSE(CountsAsName(""));
  EXPECT_FALSE(CountsAsName("two words"));
  EXPECT_FALSE(CountsAsName(absl::string_view("desk.crm\0.evil", 14)));
  EXPECT_FALSE(CountsAsName("désk.crm"));
}

}  // namespace
}  // namespace rapport
