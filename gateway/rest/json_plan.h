// What the JSON codec knows of a message type, worked out once.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"

namespace rapport::rest {

struct MessagePlan;

struct FieldPlan {
  const google::protobuf::FieldDescriptor* field = nullptr;
  std::string key;                       // ,"displayName": (see AppendJson on the comma)
  const MessagePlan* message = nullptr;  // for message fields; of a map, the entry
};

struct MessagePlan {
  enum class Form { kFields, kTimestamp, kDuration, kFieldMask, kAny, kWrapper };

  const google::protobuf::Descriptor* descriptor = nullptr;
  Form form = Form::kFields;
  std::vector<FieldPlan> fields;
  // Index into `fields` by JSON name and by original name.
  std::unordered_map<std::string, int> by_name;
};

// The plan of a type; it lives for ever. Any thread.
const MessagePlan& PlanOf(const google::protobuf::Descriptor* descriptor);

}  // namespace rapport::rest
