#include "gateway/rest/openapi_schema.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "gateway/rest/json_plan.h"
#include "google/api/resource.pb.h"
#include "rapport/options/v1/options.pb.h"

namespace rapport::rest {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

bool HasBehavior(const FieldDescriptor* field, google::api::FieldBehavior which) {
  const auto& options = field->options();
  for (int i = 0; i < options.ExtensionSize(google::api::field_behavior); ++i) {
    if (options.GetExtension(google::api::field_behavior, i) == which) return true;
  }
  return false;
}

bool IsResource(const Descriptor* type) {
  return type->options().HasExtension(google::api::resource);
}

Fields RequiredFields(const Descriptor* type, const Fields& given) {
  Fields fields;
  for (int i = 0; i < type->field_count(); ++i) {
    const auto* field = type->field(i);
    const bool known = std::find(given.begin(), given.end(), field) != given.end();
    if (HasBehavior(field, google::api::REQUIRED) && !known) fields.push_back(field);
  }
  return fields;
}

void SchemaWriter::Reference(const char* section, absl::string_view name) {
  json_.Member("$ref", absl::StrCat("#/components/", section, "/", name));
}

void SchemaWriter::Message(const Descriptor* type) {
  switch (PlanOf(type).form) {
    case MessagePlan::Form::kTimestamp:
      json_.Member("type", "string");
      return json_.Member("format", "date-time");
    case MessagePlan::Form::kDuration:
      json_.Member("type", "string");
      return json_.Member("pattern", "^-?[0-9]+([.][0-9]{1,9})?s$");
    case MessagePlan::Form::kFieldMask:
      return json_.Member("type", "string");
    case MessagePlan::Form::kWrapper:
      return Value(type->FindFieldByName("value"));
    case MessagePlan::Form::kAny:
    case MessagePlan::Form::kFields:
      if (referred_.insert(type->full_name()).second) messages_.push_back(type);
      return Reference("schemas", type->full_name());
  }
}

void SchemaWriter::Value(const FieldDescriptor* field) {
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return Message(field->message_type());
    case FieldDescriptor::CPPTYPE_ENUM:
      if (referred_.insert(field->enum_type()->full_name()).second) {
        enums_.push_back(field->enum_type());
      }
      return Reference("schemas", field->enum_type()->full_name());
    case FieldDescriptor::CPPTYPE_BOOL:
      return json_.Member("type", "boolean");
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_UINT32:
      json_.Member("type", "integer");
      return json_.Member("format", field->cpp_type_name());
    // Beyond 2^53 a JavaScript number is not exact, so proto3 JSON writes a string.
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT64:
      json_.Member("type", "string");
      return json_.Member("format", field->cpp_type_name());
    case FieldDescriptor::CPPTYPE_FLOAT:
    case FieldDescriptor::CPPTYPE_DOUBLE:
      json_.Member("type", "number");
      return json_.Member("format", field->cpp_type_name());
    case FieldDescriptor::CPPTYPE_STRING:
      json_.Member("type", "string");
      if (field->type() == FieldDescriptor::TYPE_BYTES) json_.Member("contentEncoding", "base64");
  }
}

void SchemaWriter::Limits(const FieldDescriptor* field, const char* least, const char* most) {
  if (HasBehavior(field, google::api::REQUIRED)) json_.Number(least, 1);
  const int max_length = field->options().GetExtension(options::v1::max_length);
  if (max_length > 0) json_.Number(most, max_length);
}

void SchemaWriter::Shape(const FieldDescriptor* field) {
  if (field->is_map()) {
    json_.Member("type", "object");
    json_.Object("additionalProperties", [&] { Value(field->message_type()->map_value()); });
    Limits(field, "minProperties", "maxProperties");
  } else if (field->is_repeated()) {
    json_.Member("type", "array");
    json_.Object("items", [&] { Value(field); });
    Limits(field, "minItems", "maxItems");
  } else {
    Value(field);
    // Both count characters; of bytes the limit is not that of their base64.
    if (field->type() == FieldDescriptor::TYPE_STRING) Limits(field, "minLength", "maxLength");
  }
}

void SchemaWriter::Field(const FieldDescriptor* field) {
  Shape(field);
  if (HasBehavior(field, google::api::OUTPUT_ONLY) || HasBehavior(field, google::api::IDENTIFIER)) {
    json_.True("readOnly");
  }
  if (HasBehavior(field, google::api::INPUT_ONLY)) json_.True("writeOnly");
}

void SchemaWriter::Properties(const Descriptor* type) {
  json_.Member("type", "object");
  json_.Object("properties", [&] {
    for (int i = 0; i < type->field_count(); ++i) {
      json_.Object(type->field(i)->json_name(), [&] { Field(type->field(i)); });
    }
  });
}

void SchemaWriter::Required(const Fields& fields) {
  if (fields.empty()) return;
  json_.Array("required", [&] {
    for (const auto* field : fields) json_.String(field->json_name());
  });
}

void SchemaWriter::Component(const Descriptor* type) {
  if (PlanOf(type).form == MessagePlan::Form::kAny) {
    json_.Member("type", "object");
    json_.Object("properties",
                 [&] { json_.Object("@type", [&] { json_.Member("type", "string"); }); });
    return json_.Array("required", [&] { json_.String("@type"); });
  }
  Properties(type);
  if (!IsResource(type)) Required(RequiredFields(type));
}

void SchemaWriter::Components() {
  // Writing one may refer to more.
  for (size_t i = 0; i < messages_.size(); ++i) {
    json_.Object(messages_[i]->full_name(), [&] { Component(messages_[i]); });
  }
  for (const auto* type : enums_) {
    json_.Object(type->full_name(), [&] {
      json_.Member("type", "string");
      json_.Array("enum", [&] {
        for (int i = 0; i < type->value_count(); ++i) json_.String(type->value(i)->name());
      });
    });
  }
}

}  // namespace rapport::rest
