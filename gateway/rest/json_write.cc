#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gateway/rest/json.h"
#include "gateway/rest/json_plan.h"
#include "gateway/rest/json_text.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace rapport::rest {
namespace {

using google::protobuf::Any;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using Form = MessagePlan::Form;

void AppendMessage(const Message& message, const MessagePlan& plan, std::string* out);

template <typename Number>
void AppendNumber(Number value, std::string* out) {
  char buffer[32];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
  out->append(buffer, result.ptr - buffer);
}

// 64 bits do not fit a JavaScript number, so proto3 JSON writes them as strings.
template <typename Number>
void AppendQuotedNumber(Number value, std::string* out) {
  out->push_back('"');
  AppendNumber(value, out);
  out->push_back('"');
}

template <typename Float>
void AppendFloat(Float value, std::string* out) {
  if (std::isfinite(value)) return AppendNumber(value, out);
  out->append(std::isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
}

void AppendEnum(const google::protobuf::EnumDescriptor* type, int number, std::string* out) {
  const EnumValueDescriptor* value = type->FindValueByNumber(number);
  if (value == nullptr) return AppendNumber(number, out);
  out->push_back('"');
  out->append(value->name());
  out->push_back('"');
}

void AppendBytes(absl::string_view bytes, std::string* out) {
  out->push_back('"');
  out->append(absl::Base64Escape(bytes));
  out->push_back('"');
}

void AppendText(const FieldDescriptor* field, const std::string& text, std::string* out) {
  if (field->type() == FieldDescriptor::TYPE_BYTES) return AppendBytes(text, out);
  AppendJsonString(text, out);
}

void AppendSingular(const Message& message, const Reflection* reflection, const FieldPlan& plan,
                    std::string* out) {
  const FieldDescriptor* field = plan.field;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      return AppendText(field, reflection->GetStringReference(message, field, &scratch), out);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return AppendMessage(reflection->GetMessage(message, field), *plan.message, out);
    case FieldDescriptor::CPPTYPE_ENUM:
      return AppendEnum(field->enum_type(), reflection->GetEnumValue(message, field), out);
    case FieldDescriptor::CPPTYPE_BOOL:
      out->append(reflection->GetBool(message, field) ? "true" : "false");
      return;
    case FieldDescriptor::CPPTYPE_INT32:
      return AppendNumber(reflection->GetInt32(message, field), out);
    case FieldDescriptor::CPPTYPE_UINT32:
      return AppendNumber(reflection->GetUInt32(message, field), out);
    case FieldDescriptor::CPPTYPE_INT64:
      return AppendQuotedNumber(reflection->GetInt64(message, field), out);
    case FieldDescriptor::CPPTYPE_UINT64:
      return AppendQuotedNumber(reflection->GetUInt64(message, field), out);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return AppendFloat(reflection->GetDouble(message, field), out);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return AppendFloat(reflection->GetFloat(message, field), out);
  }
}

void AppendElement(const Message& message, const Reflection* reflection, const FieldPlan& plan,
                   int i, std::string* out) {
  const FieldDescriptor* field = plan.field;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      return AppendText(field, reflection->GetRepeatedStringReference(message, field, i, &scratch),
                        out);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return AppendMessage(reflection->GetRepeatedMessage(message, field, i), *plan.message, out);
    case FieldDescriptor::CPPTYPE_ENUM:
      return AppendEnum(field->enum_type(), reflection->GetRepeatedEnumValue(message, field, i),
                        out);
    case FieldDescriptor::CPPTYPE_BOOL:
      out->append(reflection->GetRepeatedBool(message, field, i) ? "true" : "false");
      return;
    case FieldDescriptor::CPPTYPE_INT32:
      return AppendNumber(reflection->GetRepeatedInt32(message, field, i), out);
    case FieldDescriptor::CPPTYPE_UINT32:
      return AppendNumber(reflection->GetRepeatedUInt32(message, field, i), out);
    case FieldDescriptor::CPPTYPE_INT64:
      return AppendQuotedNumber(reflection->GetRepeatedInt64(message, field, i), out);
    case FieldDescriptor::CPPTYPE_UINT64:
      return AppendQuotedNumber(reflection->GetRepeatedUInt64(message, field, i), out);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return AppendFloat(reflection->GetRepeatedDouble(message, field, i), out);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return AppendFloat(reflection->GetRepeatedFloat(message, field, i), out);
  }
}

// A map key is always a string in JSON.
std::string MapKey(const Message& entry, const FieldPlan& key) {
  std::string text;
  AppendSingular(entry, entry.GetReflection(), key, &text);
  if (text.front() != '"') text = "\"" + text + "\"";
  return text;
}

void AppendMap(const Message& message, const Reflection* reflection, const FieldPlan& plan,
               int size, std::string* out) {
  std::vector<std::pair<std::string, const Message*>> entries;
  entries.reserve(size);
  for (int i = 0; i < size; ++i) {
    const Message& entry = reflection->GetRepeatedMessage(message, plan.field, i);
    entries.emplace_back(MapKey(entry, plan.message->fields[0]), &entry);
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  char separator = '{';
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto& [key, entry] = entries[i];
    // A map that was filled by reflection may hold a key twice; the last one counts.
    if (i + 1 < entries.size() && entries[i + 1].first == key) continue;
    out->push_back(separator);
    out->append(key);
    out->push_back(':');
    AppendSingular(*entry, entry->GetReflection(), plan.message->fields[1], out);
    separator = ',';
  }
  out->push_back('}');
}

void AppendRepeated(const Message& message, const Reflection* reflection, const FieldPlan& plan,
                    int size, std::string* out) {
  if (plan.field->is_map()) return AppendMap(message, reflection, plan, size, out);
  char separator = '[';
  for (int i = 0; i < size; ++i) {
    out->push_back(separator);
    AppendElement(message, reflection, plan, i, out);
    separator = ',';
  }
  out->push_back(']');
}

// Appends ,"key":value for every field that is set.
void AppendFields(const Message& message, const MessagePlan& plan, std::string* out) {
  const Reflection* reflection = message.GetReflection();
  for (const FieldPlan& field : plan.fields) {
    if (field.field->is_repeated()) {
      const int size = reflection->FieldSize(message, field.field);
      if (size == 0) continue;
      out->append(field.key);
      AppendRepeated(message, reflection, field, size, out);
    } else if (reflection->HasField(message, field.field)) {
      out->append(field.key);
      AppendSingular(message, reflection, field, out);
    }
  }
}

void AppendAny(const Any& any, std::string* out) {
  if (any.type_url().empty()) return static_cast<void>(out->append("{}"));
  out->append("{\"@type\":");
  AppendJsonString(any.type_url(), out);
  google::protobuf::Arena arena;
  Message* inner = NewMessageOfType(any.type_url(), &arena);
  if (inner == nullptr || !inner->ParseFromString(any.value())) {
    out->append(",\"value\":");
    AppendBytes(any.value(), out);
  } else if (const MessagePlan& plan = PlanOf(inner->GetDescriptor()); plan.form == Form::kFields) {
    AppendFields(*inner, plan, out);
  } else {
    out->append(",\"value\":");
    AppendMessage(*inner, plan, out);
  }
  out->push_back('}');
}

void AppendMessage(const Message& message, const MessagePlan& plan, std::string* out) {
  switch (plan.form) {
    case Form::kFields: {
      // Every key begins with a comma; the first one becomes the brace.
      const size_t begin = out->size();
      AppendFields(message, plan, out);
      if (out->size() == begin) {
        out->push_back('{');
      } else {
        (*out)[begin] = '{';
      }
      out->push_back('}');
      return;
    }
    case Form::kTimestamp: {
      const auto& time = static_cast<const google::protobuf::Timestamp&>(message);
      return AppendTimestamp(time.seconds(), time.nanos(), out);
    }
    case Form::kDuration: {
      const auto& duration = static_cast<const google::protobuf::Duration&>(message);
      return AppendDuration(duration.seconds(), duration.nanos(), out);
    }
    case Form::kFieldMask: {
      // Escaped: the key of a map may hold anything.
      std::string paths;
      for (const auto& path : static_cast<const google::protobuf::FieldMask&>(message).paths()) {
        absl::StrAppend(&paths, paths.empty() ? "" : ",", CamelCase(path));
      }
      return AppendJsonString(paths, out);
    }
    case Form::kAny:
      return AppendAny(static_cast<const Any&>(message), out);
    case Form::kWrapper:
      return AppendSingular(message, message.GetReflection(), plan.fields[0], out);
  }
}

}  // namespace

void AppendJson(const Message& message, std::string* out) {
  AppendMessage(message, PlanOf(message.GetDescriptor()), out);
}

}  // namespace rapport::rest
