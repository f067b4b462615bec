#include "tests/model/reactions.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/wrappers.pb.h"
#include "rapport/service/v1/case.pb.h"
#include "rapport/service/v1/interaction.pb.h"
#include "services/runtime/base/resource_name.h"
#include "services/runtime/base/status.h"

namespace rapport::model {
namespace {

using google::protobuf::Int64Value;
using log::v1::Record;
using service::v1::AssignCaseRequest;
using service::v1::CaseEvent;
using service::v1::CreateInteractionRequest;
using service::v1::Interaction;
using service::v1::InteractionEvent;

constexpr char kCreateInteraction[] = "rapport.service.v1.Service.CreateInteraction";
constexpr char kAssignCase[] = "rapport.service.v1.Service.AssignCase";

std::unique_ptr<Message> RequestFor(const std::string& method, const Record& fact,
                                    const std::string& text) {
  if (method == kAssignCase) {
    auto request = std::make_unique<AssignCaseRequest>();
    request->set_name(fact.subject());
    request->set_assignee(text);
    return request;
  }
  auto request = std::make_unique<CreateInteractionRequest>();
  request->set_parent(fact.root());
  request->mutable_interaction()->set_channel(Interaction::EMAIL);
  request->mutable_interaction()->set_direction(Interaction::OUTBOUND);
  request->mutable_interaction()->set_summary(text);
  return request;
}

std::optional<Following> Parse(const char* method, absl::string_view root,
                               const std::string& text) {
  const std::vector<std::string> words = absl::StrSplit(text, ' ');
  Following following{.method = method, .root = std::string(root)};
  if (words.size() == 4 && absl::SimpleAtoi(words[1], &following.sequence) &&
      absl::SimpleAtoi(words[3], &following.seen)) {
    return following;
  }
  return std::nullopt;
}

}  // namespace

JoinSpec FactsCounted() {
  return {.service = kSource,
          .part = Int64Value::descriptor(),
          .note = Int64Value::descriptor(),
          .fold = [](Message& part, Message&, const Record&) {
            auto& count = static_cast<Int64Value&>(part);
            count.set_value(count.value() + 1);
          }};
}

ProcessSpec FollowUp(std::function<bool()> fails) {
  const auto react = [fails = std::move(fails)](
                         const Record& fact,
                         const Parts& parts) -> absl::StatusOr<std::vector<Reaction>> {
    std::vector<Reaction> reactions;
    for (auto& method : WhatFollows(fact)) {
      if (fails()) return Unavailable("it cannot say what follows");
      ASSIGN_OR_RETURN(const auto seen, parts.Of<Int64Value>(kSource));
      auto request = RequestFor(method, fact,
                                absl::StrCat("follows ", fact.sequence(), " seen ", seen.value()));
      reactions.push_back({std::move(method), std::move(request)});
    }
    return reactions;
  };
  return {.name = kProcess, .source = kSource, .plural = "cases", .react = react};
}

std::vector<std::string> WhatFollows(const Record& record) {
  CaseEvent event;
  if (record.kind() != Record::EVENT || CollectionOf(record.subject()) != "cases" ||
      !event.ParseFromString(record.value())) {
    return {};
  }
  if (event.has_created()) return {kCreateInteraction, kAssignCase};
  if (event.has_escalated()) return {kAssignCase};
  return {};
}

int RefusedIn(const Record& record) {
  log::v1::ProcessAdvanced advanced;
  return advanced.ParseFromString(record.value()) ? advanced.refused_size() : 0;
}

std::optional<Following> FollowingOf(const Record& event) {
  if (event.kind() != Record::EVENT) return std::nullopt;
  if (CollectionOf(event.subject()) == "interactions") {
    InteractionEvent interaction;
    if (!interaction.ParseFromString(event.value())) return std::nullopt;
    return Parse(kCreateInteraction, event.root(), interaction.created().interaction().summary());
  }
  CaseEvent of_case;
  if (!of_case.ParseFromString(event.value())) return std::nullopt;
  return Parse(kAssignCase, event.root(), of_case.assigned().assignee());
}

std::optional<Following> FollowingOf(const Message& request) {
  if (const auto* create = dynamic_cast<const CreateInteractionRequest*>(&request)) {
    return Parse(kCreateInteraction, create->parent(), create->interaction().summary());
  }
  if (const auto* assign = dynamic_cast<const AssignCaseRequest*>(&request)) {
    return Parse(kAssignCase, RootOf(assign->name()), assign->assignee());
  }
  return std::nullopt;
}

}  // namespace rapport::model
