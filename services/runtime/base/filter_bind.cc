// What a comparison means: which field, and the value as the field's type reads it.
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/type/date.pb.h"
#include "google/type/decimal.pb.h"
#include "google/type/money.pb.h"
#include "services/runtime/base/filter_node.h"
#include "services/runtime/base/money.h"
#include "services/runtime/base/status.h"
#include "services/runtime/base/text.h"

namespace rapport {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using Node = Filter::Node;
using Operator = Node::Operator;

class Binder {
 public:
  Binder(absl::string_view filter, FilterValue value, Node& node)
      : filter_(filter), value_(std::move(value)), node_(node) {}

  absl::Status Bind(const Descriptor* type, const std::vector<std::string>& segments,
                    absl::string_view op) {
    RETURN_IF_ERROR(Resolve(type, segments));
    if (op == ":" && value_.lone_star) {
      node_.op = Operator::kPresent;
      return absl::OkStatus();
    }
    if (node_.path.back()->is_map() && !node_.map_key) return BindKey(op);
    RETURN_IF_ERROR(BindOperator(op));
    return BindValue(node_.leaf());
  }

 private:
  absl::Status FieldError(absl::string_view what) const {
    return FilterError(filter_, node_.position, what);
  }
  absl::Status Expected(absl::string_view what) const {
    return FilterError(filter_, value_.position,
                       absl::StrCat("expected ", what, " for ", node_.leaf()->name(), ", not \"",
                                    value_.text, "\""));
  }

  absl::Status Resolve(const Descriptor* type, const std::vector<std::string>& segments) {
    for (size_t i = 0; i < segments.size(); ++i) {
      if (type == nullptr) {
        return FieldError(absl::StrCat(node_.path.back()->name(), " has no fields of its own"));
      }
      const FieldDescriptor* field = type->FindFieldByName(segments[i]);
      if (field == nullptr) field = type->FindFieldByCamelcaseName(segments[i]);
      if (field == nullptr) {
        return FieldError(absl::StrCat("unknown field \"", segments[i], "\" of ", type->name()));
      }
      node_.path.push_back(field);
      if (field->is_map() && i + 1 < segments.size()) {
        node_.map_key = absl::StrJoin(segments.begin() + i + 1, segments.end(), ".");
        return CheckMap(field);
      }
      type = field->message_type();
    }
    return absl::OkStatus();
  }

  absl::Status CheckMap(const FieldDescriptor* field) const {
    const Descriptor* entry = field->message_type();
    if (entry->map_key()->type() == FieldDescriptor::TYPE_STRING) return absl::OkStatus();
    return FieldError(absl::StrCat("the keys of ", field->name(), " cannot be compared"));
  }

  // labels:region asks for the key.
  absl::Status BindKey(absl::string_view op) {
    const std::string& name = node_.path.back()->name();
    if (op != ":") {
      return FieldError(
          absl::StrCat(name, " has keys; write ", name, ".key = \"value\" or ", name, ":key"));
    }
    RETURN_IF_ERROR(CheckMap(node_.path.back()));
    node_.map_key = value_.text;
    node_.op = Operator::kPresent;
    return absl::OkStatus();
  }

  absl::Status BindOperator(absl::string_view op) {
    const bool list = node_.ThroughList();
    const FieldDescriptor* leaf = node_.leaf();
    if (op == ":") {
      const bool text = leaf->type() == FieldDescriptor::TYPE_STRING && !list && !node_.map_key;
      node_.op = text ? Operator::kContains : Operator::kEqual;
      return absl::OkStatus();
    }
    if (list) {
      return FieldError(absl::StrCat(leaf->name(), " is in a list; write ", leaf->name(),
                                     ":value for lists that have it"));
    }
    node_.op = op == "="    ? Operator::kEqual
               : op == "!=" ? Operator::kNotEqual
               : op == "<"  ? Operator::kLess
               : op == "<=" ? Operator::kLessOrEqual
               : op == ">"  ? Operator::kGreater
                            : Operator::kGreaterOrEqual;
    const bool ordered =
        leaf->type() != FieldDescriptor::TYPE_ENUM && leaf->type() != FieldDescriptor::TYPE_BOOL;
    if (ordered || op == "=" || op == "!=") return absl::OkStatus();
    return FieldError(absl::StrCat(leaf->name(), " has no order; use = or !="));
  }

  absl::Status BindValue(const FieldDescriptor* leaf) {
    node_.text = value_.text;
    switch (leaf->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return BindText(leaf);
      case FieldDescriptor::CPPTYPE_BOOL:
        if (value_.text != "true" && value_.text != "false") return Expected("true or false");
        node_.integer = value_.text == "true";
        return absl::OkStatus();
      case FieldDescriptor::CPPTYPE_ENUM:
        return BindEnum(leaf->enum_type());
      case FieldDescriptor::CPPTYPE_INT32:
      case FieldDescriptor::CPPTYPE_INT64:
        if (!absl::SimpleAtoi(value_.text, &node_.integer)) return Expected("a whole number");
        node_.text = absl::StrCat(node_.integer);
        return absl::OkStatus();
      case FieldDescriptor::CPPTYPE_UINT32:
      case FieldDescriptor::CPPTYPE_UINT64:
        if (!absl::SimpleAtoi(value_.text, &node_.natural)) {
          return Expected("a whole number that is not negative");
        }
        node_.text = absl::StrCat(node_.natural);
        return absl::OkStatus();
      case FieldDescriptor::CPPTYPE_FLOAT:
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return absl::SimpleAtod(value_.text, &node_.floating) ? absl::OkStatus()
                                                              : Expected("a number");
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return BindMessage(leaf);
    }
    return absl::OkStatus();
  }

  absl::Status BindText(const FieldDescriptor* leaf) {
    if (leaf->type() == FieldDescriptor::TYPE_BYTES) {
      return FieldError(absl::StrCat(leaf->name(), " is bytes, which cannot be compared"));
    }
    if (node_.op == Operator::kContains) node_.text = FoldCase(value_.text);
    if (node_.op != Operator::kEqual && node_.op != Operator::kNotEqual) return absl::OkStatus();
    node_.any_before = value_.any_before;
    node_.any_after = value_.any_after;
    if (node_.any_before) node_.text.erase(0, 1);
    if (node_.any_after && !node_.text.empty()) node_.text.pop_back();
    return absl::OkStatus();
  }

  absl::Status BindEnum(const EnumDescriptor* type) {
    const auto* found = type->FindValueByName(value_.text);
    if (found != nullptr) {
      node_.integer = found->number();
      return absl::OkStatus();
    }
    std::vector<absl::string_view> names;
    names.reserve(type->value_count());
    for (int i = 0; i < type->value_count(); ++i) names.push_back(type->value(i)->name());
    return Expected(absl::StrCat("one of ", absl::StrJoin(names, ", ")));
  }

  absl::Status BindMessage(const FieldDescriptor* leaf) {
    const Descriptor* type = leaf->message_type();
    if (type == google::protobuf::Timestamp::descriptor()) return BindTime();
    if (type == google::protobuf::Duration::descriptor()) return BindDuration();
    if (type == google::type::Date::descriptor()) return BindDate();
    if (type == google::type::Decimal::descriptor()) {
      absl::StatusOr<std::string> decimal = CanonicalDecimal(value_.text);
      if (!decimal.ok()) return Expected("a decimal number");
      node_.text = *std::move(decimal);
      return absl::OkStatus();
    }
    const std::string& name = leaf->name();
    if (type == google::type::Money::descriptor()) {
      return FieldError(absl::StrCat(name, " is compared by its fields: ", name,
                                     ".currency_code = \"USD\" AND ", name, ".units > 100"));
    }
    return FieldError(absl::StrCat(name, " is compared by its fields, or by ", name, ":*"));
  }

  absl::Status BindTime() {
    absl::Time time;
    std::string error;
    // ParseTime also knows "infinite-future".
    if (!absl::ascii_isdigit(value_.text[0]) ||
        !absl::ParseTime(absl::RFC3339_full, value_.text, &time, &error)) {
      return Expected("a time like \"2026-01-31T09:00:00Z\"");
    }
    node_.integer = absl::ToUnixSeconds(time);
    node_.nanos =
        static_cast<int32_t>((time - absl::FromUnixSeconds(node_.integer)) / absl::Nanoseconds(1));
    return absl::OkStatus();
  }

  absl::Status BindDuration() {
    absl::Duration duration;
    if (!absl::ParseDuration(value_.text, &duration) || duration == absl::InfiniteDuration() ||
        duration == -absl::InfiniteDuration()) {
      return Expected("a duration like 20s");
    }
    node_.integer = absl::IDivDuration(duration, absl::Seconds(1), &duration);
    node_.nanos = static_cast<int32_t>(duration / absl::Nanoseconds(1));
    return absl::OkStatus();
  }

  absl::Status BindDate() {
    absl::CivilDay day;
    if (!absl::ParseCivilTime(value_.text, &day)) return Expected("a day like \"2026-01-31\"");
    node_.integer = day.year() * 10'000 + day.month() * 100 + day.day();
    return absl::OkStatus();
  }

  const absl::string_view filter_;
  const FilterValue value_;
  Node& node_;
};

}  // namespace

absl::Status BindComparison(absl::string_view filter, const Descriptor* type,
                            const std::vector<std::string>& segments, absl::string_view op,
                            FilterValue value, Node& node) {
  return Binder(filter, std::move(value), node).Bind(type, segments, op);
}

}  // namespace rapport
