#include "services/runtime/aggregate/shape_plan.h"

#include <memory>
#include <mutex>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/api/field_behavior.pb.h"
#include "google/api/resource.pb.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/descriptor_database.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/type/date.pb.h"
#include "google/type/decimal.pb.h"
#include "google/type/money.pb.h"
#include "google/type/timeofday.pb.h"
#include "rapport/options/v1/options.pb.h"
#include "services/runtime/aggregate/shape.h"
#include "services/runtime/base/page_token.h"

namespace rapport {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using Patterns = absl::flat_hash_map<std::string, std::vector<std::string>>;

void AddPatterns(const google::api::ResourceDescriptor& resource, Patterns& patterns) {
  patterns[resource.type()] = {resource.pattern().begin(), resource.pattern().end()};
}

// Resource type -> patterns, of every file that is linked into the process. References name types
// of files that their own file does not import, so the pool's index of files is asked.
const Patterns& AllPatterns() {
  static const Patterns* const all = [] {
    auto* patterns = new Patterns;
    std::vector<std::string> files;
    DescriptorPool::internal_generated_database()->FindAllFileNames(&files);
    for (const std::string& name : files) {
      const FileDescriptor* file = DescriptorPool::generated_pool()->FindFileByName(name);
      if (file == nullptr) continue;
      for (int i = 0; i < file->message_type_count(); ++i) {
        const auto& options = file->message_type(i)->options();
        if (options.HasExtension(google::api::resource)) {
          AddPatterns(options.GetExtension(google::api::resource), *patterns);
        }
      }
      for (const auto& resource :
           file->options().GetRepeatedExtension(google::api::resource_definition)) {
        AddPatterns(resource, *patterns);
      }
    }
    return patterns;
  }();
  return *all;
}

std::vector<std::string> PatternsOf(const std::string& type) {
  const auto found = AllPatterns().find(type);
  return found == AllPatterns().end() ? std::vector<std::string>() : found->second;
}

std::vector<std::string> ParentPatternsOf(const std::string& child_type) {
  std::vector<std::string> parents;
  for (const std::string& pattern : PatternsOf(child_type)) {
    const absl::string_view parent = ParentOf(pattern);
    if (parent.empty()) return {};
    parents.emplace_back(parent);
  }
  return parents;
}

ShapePlan::Value ValueOf(const Descriptor* type) {
  using Value = ShapePlan::Value;
  if (type == google::type::Money::descriptor()) return Value::kMoney;
  if (type == google::type::Decimal::descriptor()) return Value::kDecimal;
  if (type == google::type::Date::descriptor()) return Value::kDate;
  if (type == google::type::TimeOfDay::descriptor()) return Value::kTimeOfDay;
  if (type == google::protobuf::Timestamp::descriptor()) return Value::kTimestamp;
  if (type == google::protobuf::Duration::descriptor()) return Value::kDuration;
  return Value::kNone;
}

ShapePlan::Role RoleOf(const Descriptor* type) {
  if (!absl::EndsWith(type->name(), "Request")) return ShapePlan::Role::kOther;
  if (absl::StartsWith(type->name(), "Create")) return ShapePlan::Role::kCreate;
  if (absl::StartsWith(type->name(), "Update")) return ShapePlan::Role::kUpdate;
  return ShapePlan::Role::kOther;
}

ShapeRule::Kind KindOf(const FieldDescriptor* field) {
  using Kind = ShapeRule::Kind;
  if (field->is_map()) {
    const Descriptor* entry = field->message_type();
    const bool text = entry->map_key()->type() == FieldDescriptor::TYPE_STRING &&
                      entry->map_value()->type() == FieldDescriptor::TYPE_STRING;
    return text ? Kind::kTextMap : Kind::kOtherMap;
  }
  switch (field->type()) {
    case FieldDescriptor::TYPE_STRING:
      return Kind::kText;
    case FieldDescriptor::TYPE_BYTES:
      return Kind::kBytes;
    case FieldDescriptor::TYPE_ENUM:
      return Kind::kEnum;
    case FieldDescriptor::TYPE_DOUBLE:
    case FieldDescriptor::TYPE_FLOAT:
      return Kind::kFloating;
    case FieldDescriptor::TYPE_MESSAGE:
    case FieldDescriptor::TYPE_GROUP:
      return Kind::kMessage;
    default:
      return Kind::kNone;
  }
}

// The id field of a Create request: "case_id" beside "case", whose type is a resource.
bool IsResourceId(const FieldDescriptor* field) {
  if (RoleOf(field->containing_type()) != ShapePlan::Role::kCreate) return false;
  const absl::string_view name = field->name();
  if (!absl::EndsWith(name, "_id")) return false;
  const FieldDescriptor* resource =
      field->containing_type()->FindFieldByName(std::string(name.substr(0, name.size() - 3)));
  return resource != nullptr && resource->message_type() != nullptr &&
         resource->message_type()->options().HasExtension(google::api::resource);
}

void SetLimits(ShapeRule& rule) {
  const FieldDescriptor* field = rule.field;
  const int declared = field->options().GetExtension(rapport::options::v1::max_length);
  rule.max_length =
      field->name() == "page_token" ? kMaxPageTokenCharacters : kDefaultTextCharacters;
  rule.max_entries = kDefaultRepeatedEntries;
  if (declared > 0) (field->is_repeated() ? rule.max_entries : rule.max_length) = declared;
}

void SetNames(ShapeRule& rule) {
  const auto& reference = rule.field->options().GetExtension(google::api::resource_reference);
  rule.patterns = reference.child_type().empty() ? PatternsOf(reference.type())
                                                 : ParentPatternsOf(reference.child_type());
  const bool list = absl::StartsWith(rule.field->containing_type()->name(), "List");
  if (list && !reference.child_type().empty()) rule.any_id = AnyId::kAllowed;
  if (rule.identifier) {
    const auto& resource = rule.field->containing_type()->options();
    rule.patterns = PatternsOf(resource.GetExtension(google::api::resource).type());
  }
}

class PlanTable {
 public:
  const ShapePlan& Find(const Descriptor* type) {
    std::lock_guard lock(mutex_);
    return Build(type);
  }

 private:
  // Types may contain themselves: the plan is in the table before its rules are.
  const ShapePlan& Build(const Descriptor* type) {
    auto [entry, added] = plans_.try_emplace(type);
    if (!added) return *entry->second;
    entry->second = std::make_unique<ShapePlan>();
    ShapePlan& plan = *entry->second;
    plan.value = ValueOf(type);
    plan.role = RoleOf(type);
    plan.resource = type->options().HasExtension(google::api::resource);
    if (!plan.resource) {
      const FieldDescriptor* occur_time = type->FindFieldByName("occur_time");
      const bool timestamp =
          occur_time != nullptr && !occur_time->is_repeated() &&
          occur_time->message_type() == google::protobuf::Timestamp::descriptor();
      plan.occur_time = timestamp ? occur_time : nullptr;
    }
    if (plan.value != ShapePlan::Value::kNone) return plan;
    for (int i = 0; i < type->field_count(); ++i) AddRule(type->field(i), plan);
    return plan;
  }

  void AddRule(const FieldDescriptor* field, ShapePlan& plan) {
    ShapeRule rule;
    rule.field = field;
    rule.kind = KindOf(field);
    const auto& behaviors = field->options().GetRepeatedExtension(google::api::field_behavior);
    for (const int behavior : behaviors) {
      rule.required |= behavior == google::api::REQUIRED;
      rule.output_only |= behavior == google::api::OUTPUT_ONLY;
      rule.identifier |= behavior == google::api::IDENTIFIER;
    }
    rule.is_id = IsResourceId(field);
    rule.one_line = field->name() == "request_id";
    SetLimits(rule);
    if (rule.kind == ShapeRule::Kind::kText) SetNames(rule);
    if (rule.kind == ShapeRule::Kind::kMessage) rule.message = &Build(field->message_type());
    // What an Any holds is checked where it is unpacked.
    if (field->containing_type() == google::protobuf::Any::descriptor() &&
        rule.kind == ShapeRule::Kind::kBytes) {
      return;
    }
    const bool nothing_to_check = rule.kind == ShapeRule::Kind::kNone && !rule.required &&
                                  !rule.output_only && !rule.identifier && !field->is_repeated();
    if (!nothing_to_check) plan.rules.push_back(std::move(rule));
  }

  std::mutex mutex_;
  absl::flat_hash_map<const Descriptor*, std::unique_ptr<ShapePlan>> plans_;
};

}  // namespace

const ShapePlan& ShapePlanOf(const Descriptor* type) {
  static PlanTable* const table = new PlanTable;
  // Each thread keeps what it has seen, so that only the first look takes the lock.
  thread_local absl::flat_hash_map<const Descriptor*, const ShapePlan*> seen;
  const ShapePlan*& plan = seen[type];
  if (plan == nullptr) plan = &table->Find(type);
  return *plan;
}

}  // namespace rapport
