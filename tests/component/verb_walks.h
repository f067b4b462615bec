// How every verb of a resource is reached from its creation: found by walking its domain at random,
// without log or store, so that a new verb is covered without a line of test.
#pragma once

#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "google/api/field_behavior.pb.h"
#include "google/api/resource.pb.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/type/date.pb.h"
#include "google/type/decimal.pb.h"
#include "google/type/money.pb.h"
#include "services/runtime/aggregate/standard.h"
#include "services/runtime/base/messages.h"

namespace rapport::component {

inline constexpr int kWalks = 300;
inline constexpr int kStepsOfAWalk = 10;

inline bool IsRequired(const FieldDescriptor* field) {
  const auto& options = field->options();
  for (int i = 0; i < options.ExtensionSize(google::api::field_behavior); ++i) {
    if (options.GetExtension(google::api::field_behavior, i) == google::api::REQUIRED) return true;
  }
  return false;
}

void FillRequired(Message* message);

// A value that most rules take; where they do not, the verb needs a sample.
inline void FillField(Message* message, const FieldDescriptor* field) {
  const auto* to = message->GetReflection();
  const bool many = field->is_repeated();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text =
          field->type() == FieldDescriptor::TYPE_BYTES ? "given" : "users/given";
      return many ? to->AddString(message, field, text) : to->SetString(message, field, text);
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* value = field->enum_type()->value(1);
      return many ? to->AddEnum(message, field, value) : to->SetEnum(message, field, value);
    }
    case FieldDescriptor::CPPTYPE_INT32:
      return many ? to->AddInt32(message, field, 1) : to->SetInt32(message, field, 1);
    case FieldDescriptor::CPPTYPE_INT64:
      return many ? to->AddInt64(message, field, 1) : to->SetInt64(message, field, 1);
    case FieldDescriptor::CPPTYPE_BOOL:
      return many ? to->AddBool(message, field, true) : to->SetBool(message, field, true);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return FillRequired(many ? to->AddMessage(message, field)
                               : to->MutableMessage(message, field));
    default:
      return;
  }
}

inline void FillRequired(Message* message) {
  const auto* type = message->GetDescriptor();
  if (type == google::type::Money::descriptor()) {
    auto* money = static_cast<google::type::Money*>(message);
    money->set_currency_code("USD");
    return money->set_units(1);
  }
  if (type == google::type::Decimal::descriptor()) {
    return static_cast<google::type::Decimal*>(message)->set_value("1");
  }
  if (type == google::type::Date::descriptor()) {
    auto* date = static_cast<google::type::Date*>(message);
    date->set_year(2026);
    date->set_month(1);
    return date->set_day(1);
  }
  if (type == google::protobuf::Timestamp::descriptor()) {
    return static_cast<google::protobuf::Timestamp*>(message)->set_seconds(1'767'225'600);
  }
  for (int i = 0; i < type->field_count(); ++i) {
    if (IsRequired(type->field(i))) FillField(message, type->field(i));
  }
}

// `sample` is what the verb's request needs beyond that, in text format.
inline std::unique_ptr<Message> VerbRequest(const Method& verb, const std::string& name,
                                            const std::string& sample) {
  auto request = NewMessage(verb.descriptor->input_type());
  auto given = NewMessage(verb.descriptor->input_type());
  Ensure(google::protobuf::TextFormat::ParseFromString(sample, given.get()),
         "a sample is in text format");
  FillRequired(request.get());
  // What the sample says replaces what was made up.
  std::vector<const FieldDescriptor*> said;
  given->GetReflection()->ListFields(*given, &said);
  for (const auto* field : said) request->GetReflection()->ClearField(request.get(), field);
  request->MergeFrom(*given);
  request->GetReflection()->SetString(request.get(), verb.name, name);
  return request;
}

// All writes of one resource's life, one after another.
struct Life {
  std::vector<const Method*> writes;
  size_t turn = 0;  // the write that this life is about
};

// By walking at random, the shortest way to each verb: the verbs before it, and itself. What a
// verb that never did anything said last.
struct VerbWalks {
  std::map<const MethodDescriptor*, std::vector<const Method*>> ways;
  std::map<const MethodDescriptor*, absl::Status> refusals;
};

inline VerbWalks WalkVerbs(
    const std::vector<Method>& verbs, const Method& create, const Message& create_request,
    const std::map<const MethodDescriptor*, std::unique_ptr<Message>>& requests,
    const std::string& name, const RowsRead& rows, unsigned seed) {
  std::mt19937 random(seed);
  VerbWalks walks;
  const AggregateType& type = *create.aggregate;
  google::protobuf::Timestamp now;
  now.set_seconds(1'767'225'600);
  const Context context{
      .name = name, .occur_time = now, .record_time = now, .actor = "users/given", .rows = rows};
  for (int walk = 0; walk < kWalks && !verbs.empty(); ++walk) {
    std::unique_ptr<Message> state;
    std::vector<const Method*> way;
    // True where something happened.
    const auto step = [&](const Method& method, const Message& request) {
      auto event = NewMessage(type.event);
      const auto decided = DecideWrite(method, state.get(), request, context, "uid", event.get());
      if (!decided.ok()) walks.refusals[method.descriptor] = decided.status();
      if (!decided.value_or(false)) return false;
      if (state == nullptr) state = NewMessage(type.state);
      Evolve(type, *state, *event, static_cast<int64_t>(way.size()) + 1,
             {.name = name, .occur_time = now, .record_time = now});
      return true;
    };
    Ensure(step(create, create_request), "the resource's sample can be created");
    for (int i = 0; i < kStepsOfAWalk; ++i) {
      const Method& verb = verbs[random() % verbs.size()];
      if (!step(verb, *requests.at(verb.descriptor))) continue;
      way.push_back(&verb);
      auto& shortest = walks.ways[verb.descriptor];
      if (shortest.empty() || way.size() < shortest.size()) shortest = way;
    }
  }
  return walks;
}

// A life for each verb, and first one without any. `standard` are the standard writes in their
// order, creation first. Fails the test for a verb that needs a sample.
inline std::vector<Life> LivesOf(const std::vector<Method>& verbs,
                                 const std::vector<const Method*>& standard,
                                 const Message& create_request,
                                 const std::map<std::string, std::string>& samples,
                                 const std::string& name, const RowsRead& rows, unsigned seed) {
  std::map<const MethodDescriptor*, std::unique_ptr<Message>> requests;
  for (const auto& verb : verbs) {
    const auto sample = samples.find(verb.descriptor->input_type()->name());
    requests[verb.descriptor] =
        VerbRequest(verb, name, sample == samples.end() ? "" : sample->second);
  }
  const VerbWalks walks =
      WalkVerbs(verbs, *standard.front(), create_request, requests, name, rows, seed);
  std::vector<std::vector<const Method*>> ways(1);
  for (const auto& verb : verbs) {
    const auto way = walks.ways.find(verb.descriptor);
    if (way != walks.ways.end()) {
      ways.push_back(way->second);
      continue;
    }
    const auto refusal = walks.refusals.find(verb.descriptor);
    ADD_FAILURE() << "give " << verb.descriptor->input_type()->name()
                  << " a sample in VerbSamples(); without one: "
                  << (refusal == walks.refusals.end() ? "nothing happened"
                                                      : refusal->second.ToString());
  }
  std::vector<Life> lives;
  for (const auto& way : ways) {
    Life life;
    for (const auto* method : standard) {
      if (method->kind <= Method::Kind::kUpdate) life.writes.push_back(method);
    }
    life.writes.insert(life.writes.end(), way.begin(), way.end());
    life.turn = life.writes.size() - 1;
    for (const auto* method : standard) {
      if (method->kind > Method::Kind::kUpdate) life.writes.push_back(method);
    }
    lives.push_back(std::move(life));
  }
  return lives;
}

}  // namespace rapport::component
