// Some instances of a service, and calls that are sent to one of them.
#pragma once

#include <gmock/gmock.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/text_format.h"
#include "services/runtime/aggregate/topics.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/status.h"
#include "services/runtime/routing/router.h"
#include "services/service/service.h"

namespace rapport {
inline constexpr int kPartitions = 1;  // so that every customer is of partition 0
inline const TopicPartition kPartition{TopicOf("service"), 0};
inline constexpr char kCreate[] = "CreateInteraction";
inline constexpr char kInteraction[] =
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
    void Handle(CallPtr call) override {
      ++calls;
      Finish(std::move(call), absl::UnavailableError("no connection"));
    }
    int calls = 0;
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

inline testing::Matcher<RouteFigures> Is(const RouteFigures& figures) {
  return testing::AllOf(
      testing::Field("passed_on", &RouteFigures::passed_on, figures.passed_on),
      testing::Field("not_owner_given", &RouteFigures::not_owner_given, figures.not_owner_given),
      testing::Field("not_owner_received", &RouteFigures::not_owner_received,
                     figures.not_owner_received),
      testing::Field("waited", &RouteFigures::waited, figures.waited),
      testing::Field("gave_up", &RouteFigures::gave_up, figures.gave_up));
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
  void Wait(absl::Duration duration = kRouteWait) {
    clock_.Advance(duration);
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

}  // namespace rapport
