// Messages as JSON Schemas. Internal to gateway/rest: openapi.cc writes the document around them.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "gateway/rest/json_out.h"
#include "google/api/field_behavior.pb.h"
#include "google/protobuf/descriptor.h"

namespace rapport::rest {

using Fields = std::vector<const google::protobuf::FieldDescriptor*>;

bool HasBehavior(const google::protobuf::FieldDescriptor* field, google::api::FieldBehavior which);

// A resource's schema requires nothing: an Update and a read mask leave fields out. What its Create
// requires is said there.
bool IsResource(const google::protobuf::Descriptor* type);

// The fields that a caller must set, but for those `given` otherwise, by a path.
Fields RequiredFields(const google::protobuf::Descriptor* type, const Fields& given = {});

// Threads: one.
class SchemaWriter {
 public:
  explicit SchemaWriter(JsonOut& json) : json_(json) {}

  // Each writes the members of an open object.
  void Message(const google::protobuf::Descriptor* type);  // a reference, or a well-known form
  void Field(const google::protobuf::FieldDescriptor* field);
  void Properties(const google::protobuf::Descriptor* type);
  void Required(const Fields& fields);  // nothing where there are none
  void Reference(const char* section, absl::string_view name);
  // Of components.schemas: everything that was referred to.
  void Components();

 private:
  void Value(const google::protobuf::FieldDescriptor* field);
  void Shape(const google::protobuf::FieldDescriptor* field);
  void Limits(const google::protobuf::FieldDescriptor* field, const char* least, const char* most);
  void Component(const google::protobuf::Descriptor* type);

  JsonOut& json_;
  std::vector<const google::protobuf::Descriptor*> messages_;
  std::vector<const google::protobuf::EnumDescriptor*> enums_;
  std::set<std::string> referred_;
};

}  // namespace rapport::rest
