#include "services/runtime/base/filter.h"

#include <algorithm>
#include <compare>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/type/date.pb.h"
#include "google/type/decimal.pb.h"
#include "services/runtime/base/filter_node.h"
#include "services/runtime/base/money.h"
#include "services/runtime/base/status.h"
#include "services/runtime/base/text.h"

namespace rapport {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using Node = Filter::Node;
using Operator = Node::Operator;

bool Holds(Operator op, std::partial_ordering order) {
  switch (op) {
    case Operator::kEqual:
      return std::is_eq(order);
    case Operator::kNotEqual:
      return std::is_lt(order) || std::is_gt(order);
    case Operator::kLess:
      return std::is_lt(order);
    case Operator::kLessOrEqual:
      return std::is_lteq(order);
    case Operator::kGreater:
      return std::is_gt(order);
    case Operator::kGreaterOrEqual:
      return std::is_gteq(order);
    case Operator::kContains:
    case Operator::kPresent:
      return false;
  }
  return false;
}

bool MatchesText(const std::string& text, const Node& node) {
  if (node.op == Operator::kContains) return absl::StrContains(FoldCase(text), node.text);
  if (!node.any_before && !node.any_after) return Holds(node.op, text.compare(node.text) <=> 0);
  const bool matches = node.any_before && node.any_after ? absl::StrContains(text, node.text)
                       : node.any_before                 ? absl::EndsWith(text, node.text)
                                                         : absl::StartsWith(text, node.text);
  return matches == (node.op == Operator::kEqual);
}

std::partial_ordering OrderOf(int64_t seconds, int32_t nanos, const Node& node) {
  return seconds != node.integer ? seconds <=> node.integer : nanos <=> node.nanos;
}

bool MatchesMessage(const Message& value, const Node& node) {
  const auto* type = value.GetDescriptor();
  if (type == google::protobuf::Timestamp::descriptor()) {
    const auto& time = static_cast<const google::protobuf::Timestamp&>(value);
    return Holds(node.op, OrderOf(time.seconds(), time.nanos(), node));
  }
  if (type == google::protobuf::Duration::descriptor()) {
    const auto& duration = static_cast<const google::protobuf::Duration&>(value);
    return Holds(node.op, OrderOf(duration.seconds(), duration.nanos(), node));
  }
  if (type == google::type::Date::descriptor()) {
    const auto& date = static_cast<const google::type::Date&>(value);
    const int64_t day = date.year() * 10'000 + date.month() * 100 + date.day();
    return Holds(node.op, day <=> node.integer);
  }
  const auto decimal = CanonicalDecimal(static_cast<const google::type::Decimal&>(value).value());
  return decimal.ok() && Holds(node.op, CompareDecimals(*decimal, node.text));
}

// The value of a field that is not a list, or one entry of a list.
bool MatchesValue(const Message& message, const FieldDescriptor* field, int index,
                  const Node& node) {
  const Reflection* r = message.GetReflection();
  const bool many = field->is_repeated();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      return MatchesText(many ? r->GetRepeatedStringReference(message, field, index, &scratch)
                              : r->GetStringReference(message, field, &scratch),
                         node);
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int64_t value =
          many ? r->GetRepeatedEnumValue(message, field, index) : r->GetEnumValue(message, field);
      return Holds(node.op, value <=> node.integer);
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      const int64_t value =
          many ? r->GetRepeatedBool(message, field, index) : r->GetBool(message, field);
      return Holds(node.op, value <=> node.integer);
    }
    case FieldDescriptor::CPPTYPE_INT32: {
      const int64_t value =
          many ? r->GetRepeatedInt32(message, field, index) : r->GetInt32(message, field);
      return Holds(node.op, value <=> node.integer);
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      const int64_t value =
          many ? r->GetRepeatedInt64(message, field, index) : r->GetInt64(message, field);
      return Holds(node.op, value <=> node.integer);
    }
    case FieldDescriptor::CPPTYPE_UINT32: {
      const uint64_t value =
          many ? r->GetRepeatedUInt32(message, field, index) : r->GetUInt32(message, field);
      return Holds(node.op, value <=> node.natural);
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      const uint64_t value =
          many ? r->GetRepeatedUInt64(message, field, index) : r->GetUInt64(message, field);
      return Holds(node.op, value <=> node.natural);
    }
    case FieldDescriptor::CPPTYPE_FLOAT: {
      // Both as floats: 0.1 in the filter finds what was stored as 0.1f.
      const float value =
          many ? r->GetRepeatedFloat(message, field, index) : r->GetFloat(message, field);
      return Holds(node.op, value <=> static_cast<float>(node.floating));
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      const double value =
          many ? r->GetRepeatedDouble(message, field, index) : r->GetDouble(message, field);
      return Holds(node.op, value <=> node.floating);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (many) return MatchesMessage(r->GetRepeatedMessage(message, field, index), node);
      return r->HasField(message, field) && MatchesMessage(r->GetMessage(message, field), node);
  }
  return false;
}

bool MatchesMapEntry(const Message& message, const FieldDescriptor* map, const Node& node) {
  const Reflection* reflection = message.GetReflection();
  const FieldDescriptor* key = map->message_type()->map_key();
  for (int i = 0; i < reflection->FieldSize(message, map); ++i) {
    const Message& entry = reflection->GetRepeatedMessage(message, map, i);
    if (entry.GetReflection()->GetString(entry, key) != *node.map_key) continue;
    return node.op == Operator::kPresent ||
           MatchesValue(entry, map->message_type()->map_value(), 0, node);
  }
  return false;
}

bool MatchesLast(const Message& message, const Node& node) {
  const FieldDescriptor* field = node.path.back();
  const Reflection* reflection = message.GetReflection();
  if (node.map_key) return MatchesMapEntry(message, field, node);
  if (!field->is_repeated()) {
    return node.op == Operator::kPresent ? reflection->HasField(message, field)
                                         : MatchesValue(message, field, 0, node);
  }
  const int entries = reflection->FieldSize(message, field);
  if (node.op == Operator::kPresent) return entries > 0;
  for (int i = 0; i < entries; ++i) {
    if (MatchesValue(message, field, i, node)) return true;
  }
  return false;
}

// Absent messages match nothing; of a list, one entry that matches is enough.
bool MatchesFrom(const Message& message, size_t step, const Node& node) {
  if (step + 1 == node.path.size()) return MatchesLast(message, node);
  const FieldDescriptor* field = node.path[step];
  const Reflection* reflection = message.GetReflection();
  if (!field->is_repeated()) {
    return reflection->HasField(message, field) &&
           MatchesFrom(reflection->GetMessage(message, field), step + 1, node);
  }
  for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
    if (MatchesFrom(reflection->GetRepeatedMessage(message, field, i), step + 1, node)) return true;
  }
  return false;
}

bool MatchesNode(const Message& message, const Node& node) {
  const auto matches = [&](const auto& child) { return MatchesNode(message, *child); };
  switch (node.kind) {
    case Node::Kind::kAnd:
      return std::all_of(node.children.begin(), node.children.end(), matches);
    case Node::Kind::kOr:
      return std::any_of(node.children.begin(), node.children.end(), matches);
    case Node::Kind::kNot:
      return !matches(node.children.front());
    case Node::Kind::kCompare:
      return MatchesFrom(message, 0, node);
  }
  return false;
}

void AddEqualities(const Node& node, std::vector<Filter::Equality>& equalities) {
  if (node.kind == Node::Kind::kAnd) {
    for (const auto& child : node.children) AddEqualities(*child, equalities);
  }
  // A time's or a float's text has several spellings, so no index is asked by it.
  const bool exact = node.kind == Node::Kind::kCompare && node.op == Operator::kEqual &&
                     !node.any_before && !node.any_after && !node.map_key &&
                     node.leaf()->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE &&
                     node.leaf()->cpp_type() != FieldDescriptor::CPPTYPE_FLOAT &&
                     node.leaf()->cpp_type() != FieldDescriptor::CPPTYPE_DOUBLE;
  if (!exact) return;
  std::string field;
  for (const auto* step : node.path) {
    absl::StrAppend(&field, field.empty() ? "" : ".", step->name());
  }
  equalities.push_back({std::move(field), node.text});
}

}  // namespace

bool Filter::Node::ThroughList() const {
  return std::any_of(path.begin(), path.end(), [](const FieldDescriptor* field) {
    return field->is_repeated() && !field->is_map();
  });
}

const FieldDescriptor* Filter::Node::leaf() const {
  const FieldDescriptor* last = path.back();
  return last->is_map() && map_key ? last->message_type()->map_value() : last;
}

absl::StatusOr<Filter> Filter::Parse(absl::string_view text,
                                     const google::protobuf::Descriptor* type) {
  Filter filter;
  if (absl::StripAsciiWhitespace(text).empty()) return filter;
  ASSIGN_OR_RETURN(filter.root_, ParseFilter(text, type));
  return filter;
}

bool Filter::Matches(const Message& message) const {
  return root_ == nullptr || MatchesNode(message, *root_);
}

std::vector<Filter::Equality> Filter::RequiredEqualities() const {
  std::vector<Equality> equalities;
  if (root_ != nullptr) AddEqualities(*root_, equalities);
  return equalities;
}

}  // namespace rapport
