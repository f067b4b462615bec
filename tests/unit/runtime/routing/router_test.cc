// Calls that find the owner of what they are about, whichever instance is asked first.
#include "services/runtime/routing/router.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "google/protobuf/text_format.h"
#include "services/runtime/aggregate/topics.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/status.h"
#include "services/service/service.h"

namespace rapport {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;

constexpr int kPartitions = 1;  // so that every customer is of partition 0
const TopicPartition kPartition{TopicOf("service"), 0};
constexpr char kCreate[] = "CreateInteraction";
constexpr char kInteraction[] =
    "parent: 'customers/ada' interaction { channel: PHONE direction: INBOUND summary: 's' }";

// One instance: what it knows of others, and a service that answers with the instance's name.
struct Instance : Handler {
  Instance(std::string name, std::map<std::string, Instance*>* all, const ServiceSpec* spec,
           Clock* clock, bool runs_service = true)
      : name(std::move(name)) {
    (*all)[this->name] = this;
    auto made =
        Router::Make({.spec = spec,
                      .partitions = kPartitions,
                      .here = runs_service ? this : nullptr,
                      .owns = [this](int) { return owner; },
                      .routes = &routes,
                      .peer = [all](const std::string& address) -> Handler& {
                        Instance& peer = *all->at(address);
                        if (peer.frozen) return peer.ice;
                        return peer.silent ? static_cast<Handler&>(peer.silence) : *peer.router;
                      },
                      .clock = clock,
                      .on_routed =
                          [this](const RouteFigures& one) {
                            routed.passed_on += one.passed_on;
                            routed.not_owner_given += one.not_owner_given;
                            routed.not_owner_received += one.not_owner_received;
                            routed.waited += one.waited;
                            routed.gave_up += one.gave_up;
                          }});
    Ensure(made.ok(), "every method is answered");
    router = *std::move(made);
  }
  // The service.
  void Handle(CallPtr call) override {
    const auto* field = call->request->GetDescriptor()->FindFieldByName("request_id");
    if (field != nullptr) {
      request_ids.push_back(call->request->GetReflection()->GetString(*call->request, field));
    }
    Finish(std::move(call), Reply{.body = name});
  }

  struct Silence : Handler {
    void Handle(CallPtr call) override { Finish(std::move(call), Unavailable("no connection")); }
  };

  // Takes calls and answers none.
  struct Ice : Handler {
    void Handle(CallPtr call) override { calls.push_back(std::move(call)); }
    std::vector<CallPtr> calls;
  };

  const std::string name;  // and address
  bool owner = false;
  bool silent = false;
  bool frozen = false;
  Silence silence;
  Ice ice;
  RouteTable routes;
  std::unique_ptr<Router> router;
  std::vector<std::string> request_ids;  // of calls that came to the service
  RouteFigures routed;                   // in sum
};

testing::Matcher<RouteFigures> Is(const RouteFigures& figures) {
  return AllOf(
      Field("passed_on", &RouteFigures::passed_on, figures.passed_on),
      Field("not_owner_given", &RouteFigures::not_owner_given, figures.not_owner_given),
      Field("not_owner_received", &RouteFigures::not_owner_received, figures.not_owner_received),
      Field("waited", &RouteFigures::waited, figures.waited),
      Field("gave_up", &RouteFigures::gave_up, figures.gave_up));
}

class RouterTest : public testing::Test {
 protected:
  struct Answer {
    bool given = false;
    Reply reply;
    const std::string& by() const { return reply.body; }
  };

  std::shared_ptr<Answer> Send(Instance& at, const std::string& method, const std::string& request,
                               CallMetadata metadata = {}) {
    auto answer = std::make_shared<Answer>();
    auto call = std::make_unique<Call>();
    call->method = spec_.rpc->FindMethodByName(method);
    call->request = NewMessage(call->method->input_type(), &call->arena);
    Ensure(google::protobuf::TextFormat::ParseFromString(request, call->request), "well formed");
    call->metadata = std::move(metadata);
    call->done = [answer](Reply reply) {
      EXPECT_FALSE(answer->given) << "a call was answered twice";
      answer->given = true;
      answer->reply = std::move(reply);
    };
    at.router->Handle(std::move(call));
    return answer;
  }
  void Own(Instance& instance, Offset claim) {
    for (auto& [name, other] : all_) other->owner = false;
    instance.owner = true;
    instance.routes.Learn(kPartition, {.claim = claim, .address = instance.name, .own = true});
  }
  static Route At(Offset claim, const Instance& instance) {
    return {.claim = claim, .address = instance.name};
  }
  // Nobody says anything for longer than a call waits.
  void Wait() {
    clock_.Advance(kRouteWait);
    for (auto& [name, instance] : all_) instance->routes.Expire(clock_.Now());
  }

  ManualClock clock_{absl::FromUnixSeconds(1'767'225'600)};
  const ServiceSpec spec_ = service::Spec();
  std::map<std::string, Instance*> all_;
  Instance a_{"a", &all_, &spec_, &clock_};
  Instance b_{"b", &all_, &spec_, &clock_};
  Instance c_{"c", &all_, &spec_, &clock_};
  Instance gateway_{"gateway", &all_, &spec_, &clock_, false};
};

TEST_F(RouterTest, WhoOwnsAnswersWithoutARoute) {
  Own(a_, 7);
  EXPECT_EQ(Send(a_, kCreate, kInteraction)->by(), "a");
}

TEST_F(RouterTest, AWriteGoesToItsOwner) {
  Own(b_, 7);
  for (Instance* from : {&a_, &gateway_}) {
    from->routes.Learn(kPartition, At(7, b_));
    EXPECT_EQ(Send(*from, kCreate, kInteraction)->by(), "b");
  }
}

TEST_F(RouterTest, AStaleRouteIsCorrectedByWhoKnowsBetter) {
  Own(c_, 9);
  gateway_.routes.Learn(kPartition, At(5, a_));
  a_.routes.Learn(kPartition, At(7, b_));
  b_.routes.Learn(kPartition, At(9, c_));
  EXPECT_EQ(Send(gateway_, kCreate, kInteraction)->by(), "c");
  EXPECT_EQ(gateway_.routes.Find(kPartition)->address, "c") << "and remembered";
}

TEST_F(RouterTest, ThereAreTwoRedirectsAtMost) {
  Instance d("d", &all_, &spec_, &clock_);
  Own(d, 11);
  gateway_.routes.Learn(kPartition, At(5, a_));
  a_.routes.Learn(kPartition, At(7, b_));
  b_.routes.Learn(kPartition, At(9, c_));
  c_.routes.Learn(kPartition, At(11, d));
  const auto answer = Send(gateway_, kCreate, kInteraction);
  EXPECT_TRUE(absl::IsUnavailable(answer->reply.status)) << answer->reply.status;
  EXPECT_TRUE(d.request_ids.empty());
  all_.erase("d");
}

TEST_F(RouterTest, ACallWaitsUntilTheNewOwnerIsHeardOf) {
  gateway_.routes.Learn(kPartition, At(5, a_));  // which was deposed
  const auto first = Send(gateway_, kCreate, kInteraction);
  const auto second = Send(gateway_, kCreate, kInteraction);
  EXPECT_FALSE(first->given || second->given);
  Own(b_, 9);
  gateway_.routes.Learn(kPartition, At(5, a_));  // nothing new
  EXPECT_FALSE(first->given);
  gateway_.routes.Learn(kPartition, At(9, b_));
  EXPECT_EQ(first->by(), "b");
  EXPECT_EQ(second->by(), "b");
}

TEST_F(RouterTest, ACallDoesNotWaitForEver) {
  const auto nobody = Send(gateway_, kCreate, kInteraction);
  EXPECT_FALSE(nobody->given);
  Wait();
  EXPECT_TRUE(absl::IsUnavailable(nobody->reply.status));
  EXPECT_THAT(nobody->reply.status.message(), HasSubstr("rapport.service/0"));

  const auto late = Send(gateway_, kCreate, kInteraction);
  gateway_.routes.Stop();
  EXPECT_TRUE(absl::IsUnavailable(late->reply.status)) << "who stops waits for nobody";
}

// It was the owner, lost the partition and has it again: its own route is not asked by a detour.
TEST_F(RouterTest, WhoHasThePartitionAgainAnswersWhatWaited) {
  Own(a_, 5);
  a_.owner = false;
  const auto answer = Send(a_, kCreate, kInteraction);
  EXPECT_FALSE(answer->given);
  Own(a_, 9);
  EXPECT_EQ(answer->by(), "a");
}

TEST_F(RouterTest, ACallIsPassedOnOnce) {
  b_.routes.Learn(kPartition, At(9, c_));
  const auto answer = Send(b_, kCreate, kInteraction, {.routed = true});
  EXPECT_TRUE(absl::IsUnavailable(answer->reply.status));
  EXPECT_TRUE(c_.request_ids.empty());
}

TEST_F(RouterTest, TheSameRequestIdGoesToEveryOwner) {
  gateway_.routes.Learn(kPartition, At(5, a_));
  a_.routes.Learn(kPartition, At(7, b_));
  Own(b_, 7);
  EXPECT_EQ(Send(gateway_, kCreate, kInteraction)->by(), "b");
  EXPECT_THAT(b_.request_ids, ElementsAre(testing::SizeIs(26))) << "made before the first try";
  Send(gateway_, kCreate, std::string(kInteraction) + " request_id: 'mine'");
  EXPECT_EQ(b_.request_ids.back(), "mine");
}

// Whom a hypervisor has stopped: its calls would otherwise wait until their deadline.
TEST_F(RouterTest, ACallLeavesAFrozenOwnerWhenAnotherHasThePartition) {
  gateway_.routes.Learn(kPartition, At(5, a_));
  a_.frozen = true;
  const auto write = Send(gateway_, kCreate, std::string(kInteraction) + " request_id: 'mine'");
  const auto read =
      Send(gateway_, "GetInteraction", "name: 'customers/ada/interactions/i'", {.read = "strong"});
  EXPECT_FALSE(write->given || read->given);
  Own(b_, 9);
  gateway_.routes.Learn(kPartition, At(9, b_));
  EXPECT_EQ(write->by(), "b");
  EXPECT_EQ(read->by(), "b");
  EXPECT_THAT(b_.request_ids, ElementsAre("mine"));
  for (auto& call : a_.ice.calls) Finish(std::move(call), Reply{.body = "too late"});
  EXPECT_EQ(write->by(), "b") << "and was answered once";
}

TEST_F(RouterTest, WhoThawsInTimeIsHeard) {
  gateway_.routes.Learn(kPartition, At(5, a_));
  a_.frozen = true;
  const auto answer = Send(gateway_, kCreate, kInteraction);
  Finish(std::move(a_.ice.calls.front()), Reply{.body = "a"});
  EXPECT_EQ(answer->by(), "a");
  Own(b_, 9);
  gateway_.routes.Learn(kPartition, At(9, b_));
  EXPECT_TRUE(b_.request_ids.empty());
}

TEST_F(RouterTest, ACallMovesTwiceAtMost) {
  a_.frozen = b_.frozen = c_.frozen = true;
  gateway_.routes.Learn(kPartition, At(5, a_));
  const auto answer = Send(gateway_, kCreate, kInteraction);
  gateway_.routes.Learn(kPartition, At(7, b_));
  gateway_.routes.Learn(kPartition, At(9, c_));
  gateway_.routes.Learn(kPartition, At(11, a_));
  EXPECT_EQ(a_.ice.calls.size(), 1u);
  EXPECT_EQ(c_.ice.calls.size(), 1u);
  EXPECT_FALSE(answer->given);
  Finish(std::move(c_.ice.calls.front()), Reply{.body = "c"});
  EXPECT_EQ(answer->by(), "c");
}

TEST_F(RouterTest, WhoClaimsAnewGoesOnWithWhatItWasAsked) {
  a_.frozen = b_.frozen = true;
  gateway_.routes.Learn(kPartition, At(5, a_));
  const auto answer = Send(gateway_, kCreate, kInteraction);
  gateway_.routes.Learn(kPartition, At(7, a_));
  EXPECT_EQ(a_.ice.calls.size(), 1u);
  gateway_.routes.Learn(kPartition, At(9, b_));
  EXPECT_EQ(b_.ice.calls.size(), 1u);
  EXPECT_FALSE(answer->given);
}

// It was asked here by a detour, and comes home.
TEST_F(RouterTest, ACallUnderWayComesToWhoTakesThePartitionOver) {
  a_.routes.Learn(kPartition, At(5, b_));
  b_.frozen = true;
  const auto answer = Send(a_, kCreate, kInteraction);
  Own(a_, 9);
  EXPECT_EQ(answer->by(), "a");
}

TEST_F(RouterTest, AWriteThatWasNotAnsweredIsTheCallersToRepeat) {
  gateway_.routes.Learn(kPartition, At(5, a_));
  a_.silent = true;
  const auto answer = Send(gateway_, kCreate, kInteraction);
  EXPECT_THAT(answer->reply.status.message(), HasSubstr("no connection"));
}

TEST_F(RouterTest, AReadIsAnsweredHereOrByAnyone) {
  Own(b_, 7);
  const std::string list = "parent: 'customers/ada'";
  EXPECT_EQ(Send(a_, "ListInteractions", list)->by(), "a");
  gateway_.routes.Learn(kPartition, At(7, b_));
  EXPECT_EQ(Send(gateway_, "ListInteractions", list)->by(), "b");
  EXPECT_EQ(Send(gateway_, "ListInteractions", "parent: 'customers/-'")->by(), "b");
}

TEST_F(RouterTest, AReadAsksAnotherWhereOneIsSilent) {
  const TopicPartition other{TopicOf("service"), 1};
  gateway_.routes.Learn(kPartition, At(7, a_));
  gateway_.routes.Learn(other, At(7, b_));
  a_.silent = true;
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(Send(gateway_, "ListInteractions", "parent: 'customers/ada'")->by(), "b");
  }
}

TEST_F(RouterTest, AStrongReadGoesToTheOwner) {
  Own(b_, 7);
  a_.routes.Learn(kPartition, At(7, b_));
  EXPECT_EQ(Send(a_, "ListInteractions", "parent: 'customers/ada'", {.read = "strong"})->by(), "b");
}

TEST_F(RouterTest, WhatIsAnsweredHereIsNoRoute) {
  Own(a_, 7);
  EXPECT_EQ(Send(a_, kCreate, kInteraction)->by(), "a");
  EXPECT_THAT(a_.routed, Is({}));
}

TEST_F(RouterTest, RedirectsAreCountedOnBothSides) {
  Own(c_, 9);
  gateway_.routes.Learn(kPartition, At(5, a_));
  a_.routes.Learn(kPartition, At(9, c_));
  EXPECT_EQ(Send(gateway_, kCreate, kInteraction)->by(), "c");
  EXPECT_THAT(gateway_.routed, Is({.passed_on = 2, .not_owner_received = 1}));
  EXPECT_THAT(a_.routed, Is({.not_owner_given = 1}));
  EXPECT_THAT(c_.routed, Is({}));
}

TEST_F(RouterTest, WaitingAndGivingUpAreCounted) {
  const auto first = Send(gateway_, kCreate, kInteraction);
  EXPECT_THAT(gateway_.routed, Is({.waited = 1}));
  Own(b_, 9);
  gateway_.routes.Learn(kPartition, At(9, b_));
  EXPECT_EQ(first->by(), "b");
  EXPECT_THAT(gateway_.routed, Is({.passed_on = 1, .waited = 1}));

  b_.owner = false;  // and nobody says who is
  const auto second = Send(gateway_, kCreate, kInteraction);
  EXPECT_FALSE(second->given);
  Wait();
  EXPECT_TRUE(absl::IsUnavailable(second->reply.status));
  EXPECT_THAT(gateway_.routed,
              Is({.passed_on = 2, .not_owner_received = 1, .waited = 2, .gave_up = 1}));
}

TEST_F(RouterTest, OneRedirectTooManyIsGivingUp) {
  gateway_.routes.Learn(kPartition, At(5, a_));
  a_.routes.Learn(kPartition, At(7, b_));
  b_.routes.Learn(kPartition, At(9, c_));
  c_.routes.Learn(kPartition, At(11, a_));
  EXPECT_TRUE(absl::IsUnavailable(Send(gateway_, kCreate, kInteraction)->reply.status));
  EXPECT_THAT(gateway_.routed, Is({.passed_on = 3, .not_owner_received = 3, .gave_up = 1}));
}

TEST_F(RouterTest, WhatIsWrongWithARequestIsSaidByTheService) {
  EXPECT_EQ(Send(a_, kCreate, "parent: 'nonsense'")->by(), "a");
}

}  // namespace
}  // namespace rapport
