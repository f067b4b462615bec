// The habits of the API and of the stored events, over every descriptor there is: 150 RPCs should
// feel like one. Each failure names the element and the rule.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/api/annotations.pb.h"
#include "google/api/field_behavior.pb.h"
#include "google/api/resource.pb.h"
#include "rapport/log/v1/refused.pb.h"
#include "rapport/options/v1/options.pb.h"
#include "services/allinone/node.h"
#include "services/runtime/aggregate/method.h"

namespace rapport {
namespace {

using google::protobuf::EnumDescriptor;

// The common fields of every resource; its own begin at 10. 7 is kept for expire_time.
constexpr int kFirstOwnNumber = 10;
const std::map<std::string, int>& CommonFields() {
  static const auto* const fields = new std::map<std::string, int>{
      {"name", 1},        {"etag", 2},        {"uid", 3},        {"create_time", 4},
      {"update_time", 5}, {"delete_time", 6}, {"occur_time", 8}, {"labels", 9}};
  return *fields;
}

// Texts that the runtime itself limits and checks.
bool IsTheRuntimes(const FieldDescriptor* field) {
  static const auto* const names = new std::set<std::string>{
      "name", "parent", "etag", "uid", "page_token", "order_by", "filter", "next_page_token"};
  return names->contains(field->name()) || absl::EndsWith(field->name(), "_id") ||
         !field->options().GetExtension(google::api::resource_reference).type().empty();
}

const std::set<std::string>& IrregularParticiples() {
  static const auto* const words = new std::set<std::string>{
      "Back",  "Begun", "Bound", "Bought", "Broken", "Cut",       "Drawn",   "Found",
      "Given", "Held",  "Kept",  "Left",   "Lost",   "Made",      "Met",     "Paid",
      "Put",   "Read",  "Seen",  "Sent",   "Set",    "Shown",     "Sold",    "Spent",
      "Split", "Sworn", "Taken", "Told",   "Won",    "Withdrawn", "Written", "Undone"};
  return *words;
}

std::string Snake(absl::string_view camel) {
  std::string snake;
  for (const char c : camel) {
    if (absl::ascii_isupper(c) && !snake.empty()) snake += '_';
    snake += absl::ascii_tolower(c);
  }
  return snake;
}
std::string Camel(absl::string_view snake) {
  std::string camel;
  for (const auto& word : absl::StrSplit(snake, '_', absl::SkipEmpty())) {
    absl::StrAppend(&camel, std::string(1, absl::ascii_toupper(word[0])), word.substr(1));
  }
  return camel;
}
std::string LowerFirst(std::string text) {
  text[0] = absl::ascii_tolower(text[0]);
  return text;
}
// "customers/*/orders/*" for "customers/{customer}/orders/{order}".
std::string Stars(absl::string_view pattern) {
  std::vector<std::string> parts = absl::StrSplit(pattern, '/');
  for (auto& part : parts) {
    if (absl::StartsWith(part, "{")) part = "*";
  }
  return absl::StrJoin(parts, "/");
}

bool Is(const FieldDescriptor* field, google::api::FieldBehavior wanted) {
  for (int i = 0; i < field->options().ExtensionSize(google::api::field_behavior); ++i) {
    if (field->options().GetExtension(google::api::field_behavior, i) == wanted) return true;
  }
  return false;
}

template <class Element>
void Rule(bool holds, const Element* element, const std::string& rule) {
  if (!holds) ADD_FAILURE() << element->full_name() << ": " << rule;
}

const FieldDescriptor* Field(const Descriptor* type, const std::string& name, int number) {
  const auto* field = type->FindFieldByName(name);
  Rule(field != nullptr && field->number() == number, type,
       absl::StrCat("has a field ", name, " = ", number));
  return field;
}
void RequiredField(const Descriptor* type, const std::string& name, int number) {
  const auto* field = Field(type, name, number);
  if (field != nullptr) Rule(Is(field, google::api::REQUIRED), field, "is REQUIRED");
}

struct Subject {
  ServiceSpec spec;
  AggregateType type;
  MethodTable methods;  // of the aggregate
};

std::vector<Subject> AllSubjects() {
  static const auto* const specs = new std::vector<ServiceSpec>(AllServices());
  std::vector<Subject> all;
  for (const auto& spec : *specs) {
    for (const auto& type : spec.aggregates) {
      Subject subject{.spec = spec, .type = type, .methods = {}};
      const MethodTable methods = *BuildMethods(spec.rpc, spec.aggregates, spec.own_methods);
      for (const auto& [descriptor, method] : methods) {
        if (method.aggregate != nullptr && method.aggregate->state == type.state) {
          subject.methods.emplace(descriptor, method);
        }
      }
      all.push_back(std::move(subject));
    }
  }
  return all;
}

class Conventions : public testing::TestWithParam<Subject> {
 protected:
  const AggregateType& type() const { return GetParam().type; }
  const std::string& noun() const { return type().state->name(); }  // CampaignMembership
  std::string field_name() const { return Snake(noun()); }          // campaign_membership
  bool HasParent() const { return !type().is_root; }

  // Lengths of everything that a caller may fill, down to this package's own messages.
  void CheckLengths(const Descriptor* message, std::set<const Descriptor*>& seen) {
    if (!seen.insert(message).second) return;
    for (int i = 0; i < message->field_count(); ++i) {
      const auto* field = message->field(i);
      const bool text = field->cpp_type() == FieldDescriptor::CPPTYPE_STRING;
      const bool limited = field->options().HasExtension(options::v1::max_length);
      if ((text && !IsTheRuntimes(field)) || field->is_repeated()) {
        Rule(limited, field, "says max_length: everything that grows has a limit");
      }
      if (field->message_type() != nullptr && !field->is_map() &&
          field->message_type()->file()->package() == message->file()->package()) {
        CheckLengths(field->message_type(), seen);
      }
    }
  }
};

TEST_P(Conventions, OfTheResource) {
  const auto* state = type().state;
  for (const auto& [name, number] : CommonFields()) Field(state, name, number);
  for (int i = 0; i < state->field_count(); ++i) {
    const auto* field = state->field(i);
    const bool own = !CommonFields().contains(field->name()) && field->name() != "expire_time";
    Rule(!own || field->number() >= kFirstOwnNumber, field, "has a number from 10");
    const bool by_server = absl::EndsWith(field->name(), "_time") && !own;
    Rule(!by_server || Is(field, google::api::OUTPUT_ONLY), field, "is OUTPUT_ONLY");
  }
  Rule(Is(type().fields.name, google::api::IDENTIFIER), type().fields.name, "is the IDENTIFIER");
  Rule(Is(type().fields.uid, google::api::OUTPUT_ONLY), type().fields.uid, "is OUTPUT_ONLY");
  const auto* lifecycle = state->FindFieldByName("state");
  Rule(lifecycle == nullptr || Is(lifecycle, google::api::OUTPUT_ONLY), state,
       "changes its state by verbs: the field is OUTPUT_ONLY");
}

TEST_P(Conventions, OfItsName) {
  const auto* state = type().state;
  const auto& resource = state->options().GetExtension(google::api::resource);
  Rule(resource.type() == absl::StrCat("rapport/", noun()), state, "has the type rapport/<Noun>");
  Rule(resource.singular() == LowerFirst(noun()), state, "has its name as singular");
  const std::vector<std::string> parts = absl::StrSplit(type().pattern, '/');
  Rule(parts.size() % 2 == 0, state, "has a pattern of collections and ids in turn");
  Rule(parts[parts.size() - 2] == resource.plural(), state, "ends its pattern with its plural");
  Rule(parts.back() == absl::StrCat("{", field_name(), "}") ||
           absl::StartsWith(field_name(), absl::StripSuffix(parts.back().substr(1), "}")) ||
           !type().is_root,
       state, "ends its pattern with its own id");
  const auto subjects = AllSubjects();
  Rule(type().is_root || std::any_of(subjects.begin(), subjects.end(),
                                     [&parts](const Subject& subject) {
                                       return subject.type.is_root &&
                                              subject.type.plural == parts[0];
                                     }),
       state, "lies under a root that there is");
  Rule(absl::ascii_islower(resource.plural()[0]) && !absl::StrContains(resource.plural(), "_"),
       state, "has a plural in lowerCamelCase");
}

TEST_P(Conventions, OfItsEvents) {
  const auto* event = type().event;
  Rule(event->name() == noun() + "Event", event, "is called <Noun>Event");
  Rule(
      event->oneof_decl_count() == 1 && event->oneof_decl(0)->field_count() == event->field_count(),
      event, "is one oneof and nothing beside it");
  const std::map<std::string, int> standard = {
      {"created", 1}, {"updated", 2}, {"deleted", 3}, {"undeleted", 4}};
  for (int i = 0; i < event->field_count(); ++i) {
    const auto* field = event->field(i);
    const auto known = standard.find(field->name());
    if (known != standard.end()) {
      Rule(field->number() == known->second, field, absl::StrCat("is number ", known->second));
    } else {
      Rule(field->number() >= kFirstOwnNumber, field, "has a number from 10");
      Rule(field->message_type()->name() == noun() + Camel(field->name()), field,
           "is called as its message is, without the noun");
      Rule(type().evolve != nullptr, field, "needs an Evolve");
    }
    const std::string& fact = field->message_type()->name();
    const std::string last =
        Camel(std::vector<std::string>(absl::StrSplit(Snake(fact), '_')).back());
    Rule(absl::StartsWith(fact, noun()), field->message_type(), "begins with its noun");
    Rule(absl::EndsWith(last, "ed") || IrregularParticiples().contains(last), field->message_type(),
         "is a noun and a past participle");
  }
  Rule(type().created->message_type()->FindFieldByNumber(kFactResource)->message_type() ==
           type().state,
       type().created->message_type(), "holds the resource as field 1");
  if (type().updated != nullptr) {
    Field(type().updated->message_type(), field_name(), kFactResource);
    Field(type().updated->message_type(), "update_mask", kFactMask);
  }
}

TEST_P(Conventions, OfItsRequests) {
  std::set<Method::Kind> kinds;
  std::set<const Descriptor*> seen;
  CheckLengths(type().state, seen);
  for (const auto& [descriptor, method] : GetParam().methods) {
    const auto* request = descriptor->input_type();
    kinds.insert(method.kind);
    Rule(request->name() == descriptor->name() + "Request", descriptor, "takes <Rpc>Request");
    CheckLengths(request, seen);
    if (method.kind == Method::Kind::kList) {
      if (HasParent()) RequiredField(request, "parent", 1);
      const char* const fields[] = {"page_size", "page_token",   "filter",
                                    "order_by",  "show_deleted", "read_mask"};
      for (int i = 0; i < 6; ++i) Field(request, fields[i], i + 2);
      const auto* response = descriptor->output_type();
      Field(response, Snake(type().plural), 1);
      Field(response, "next_page_token", 2);
      continue;
    }
    Rule(descriptor->output_type() == type().state, descriptor, "answers the resource");
    if (method.kind == Method::Kind::kGet) {
      RequiredField(request, "name", 1);
      Field(request, "read_mask", 2);
      continue;
    }
    const auto* request_id = Field(request, "request_id", 4);
    if (request_id != nullptr) {
      Rule(request_id->options().GetExtension(options::v1::max_length) == 64, request_id,
           "has the max_length 64");
    }
    Field(request, "validate_only", 5);
    Field(request, "occur_time", 6);
    if (method.kind == Method::Kind::kCreate) {
      if (HasParent()) RequiredField(request, "parent", 1);
      Field(request, field_name() + "_id", 2);
      RequiredField(request, field_name(), 3);
    } else if (method.kind == Method::Kind::kUpdate) {
      RequiredField(request, field_name(), 1);
      Field(request, "update_mask", 2);
    } else {
      RequiredField(request, "name", 1);
      Field(request, "etag", 2);
    }
    for (int i = 0; i < request->field_count(); ++i) {
      Rule(request->field(i)->number() <= 6 || request->field(i)->number() >= kFirstOwnNumber,
           request->field(i), "has a number from 10, as a verb's own field");
    }
  }
  for (const auto kind : {Method::Kind::kCreate, Method::Kind::kGet, Method::Kind::kList}) {
    Rule(kinds.contains(kind), type().state, "can be created, got and listed");
  }
}

TEST_P(Conventions, OfItsPaths) {
  const std::string name = Stars(type().pattern);
  const std::string parent(absl::StripSuffix(name, absl::StrCat("/", type().plural, "/*")));
  const std::string collection = HasParent()
                                     ? absl::StrCat("/v1/{parent=", parent, "}/", type().plural)
                                     : absl::StrCat("/v1/", type().plural);
  const std::string one = absl::StrCat("/v1/{name=", name, "}");
  for (const auto& [descriptor, method] : GetParam().methods) {
    const auto& http = descriptor->options().GetExtension(google::api::http);
    const auto expect = [&, rpc = descriptor](const std::string& is, const std::string& wanted,
                                              const std::string& body) {
      Rule(is == wanted, rpc, absl::StrCat("has the path ", wanted, " and not \"", is, "\""));
      Rule(http.body() == body, rpc, absl::StrCat("has the body \"", body, "\""));
    };
    switch (method.kind) {
      case Method::Kind::kCreate:
        expect(http.post(), collection, field_name());
        break;
      case Method::Kind::kGet:
        expect(http.get(), one, "");
        break;
      case Method::Kind::kList:
        expect(http.get(), collection, "");
        break;
      case Method::Kind::kUpdate:
        expect(http.patch(), absl::StrCat("/v1/{", field_name(), ".name=", name, "}"),
               field_name());
        break;
      case Method::Kind::kDelete:
        expect(http.delete_(), one, "");
        break;
      case Method::Kind::kUndelete:
      case Method::Kind::kVerb: {
        const std::string verb(absl::StripSuffix(descriptor->name(), noun()));
        Rule(verb != descriptor->name(), descriptor, "is called <Verb><Noun>");
        expect(http.post(), absl::StrCat(one, ":", LowerFirst(verb)), "*");
        break;
      }
      case Method::Kind::kListEvents:
      case Method::Kind::kListRefused:
      case Method::Kind::kQuery:
      case Method::Kind::kRootQuery:
      case Method::Kind::kFlow:
        break;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Of, Conventions, testing::ValuesIn(AllSubjects()),
                         [](const auto& info) { return info.param.type.plural; });

void CheckEnum(const EnumDescriptor* type) {
  const auto* zero = type->FindValueByNumber(0);
  const std::string wanted =
      absl::StrCat(absl::AsciiStrToUpper(Snake(type->name())), "_UNSPECIFIED");
  Rule(zero != nullptr && zero->name() == wanted, type, absl::StrCat("has ", wanted, " = 0"));
}
void CheckEnumsIn(const Descriptor* type) {
  for (int i = 0; i < type->enum_type_count(); ++i) CheckEnum(type->enum_type(i));
  for (int i = 0; i < type->nested_type_count(); ++i) CheckEnumsIn(type->nested_type(i));
}

TEST(ConventionsOfAll, Enums) {
  std::set<const google::protobuf::FileDescriptor*> files;
  for (const auto& subject : AllSubjects()) files.insert(subject.type.state->file());
  for (const auto* file : files) {
    for (int i = 0; i < file->message_type_count(); ++i) CheckEnumsIn(file->message_type(i));
    for (int i = 0; i < file->enum_type_count(); ++i) CheckEnum(file->enum_type(i));
  }
}

TEST(ConventionsOfAll, Processes) {
  for (const auto& spec : AllServices()) {
    if (spec.processes.empty()) continue;
    const auto* list = spec.rpc->FindMethodByName("ListRefusedReactions");
    Rule(list != nullptr, spec.rpc, "has processes, so it has ListRefusedReactions");
    if (list == nullptr) continue;
    Rule(list->input_type() == log::v1::ListRefusedReactionsRequest::descriptor(), list,
         "takes the runtime's request");
    const std::string path = absl::StrCat("/v1/", spec.name, "/refusedReactions");
    Rule(list->options().GetExtension(google::api::http).get() == path, list,
         absl::StrCat("has the path ", path));
  }
}

TEST(ConventionsOfAll, Refusals) {
  for (const auto& spec : AllServices()) {
    bool verbs = false;
    for (const auto& type : spec.aggregates) verbs = verbs || !type.commands.empty();
    const std::string refusal = absl::StrCat(spec.rpc->file()->package(), ".Refusal");
    const auto* type =
        google::protobuf::DescriptorPool::generated_pool()->FindEnumTypeByName(refusal);
    if (verbs) Rule(type != nullptr, spec.rpc, "has verbs, so it has an enum Refusal");
    if (type != nullptr) CheckEnum(type);
  }
}

}  // namespace
}  // namespace rapport
