// The rules of a message type, read from its descriptor once.
//
// Threads: any. Plans live as long as the process.
#pragma once

#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "services/runtime/base/resource_name.h"

namespace rapport {

struct ShapePlan;

// What one field must fulfil. Fields about which nothing can be wrong have no rule.
struct ShapeRule {
  enum class Kind { kNone, kText, kBytes, kEnum, kFloating, kMessage, kTextMap, kOtherMap };

  const google::protobuf::FieldDescriptor* field = nullptr;
  Kind kind = Kind::kNone;
  bool required = false;
  // OUTPUT_ONLY, or IDENTIFIER: what a caller cannot set in a Create.
  bool output_only = false;
  bool identifier = false;
  // The id that a Create's caller chose for the resource.
  bool is_id = false;
  // One line: request ids travel in headers.
  bool one_line = false;
  int max_length = 0;   // characters, bytes
  int max_entries = 0;  // of lists and maps
  const ShapePlan* message = nullptr;
  std::vector<std::string> patterns;  // the name has one of these forms; any form if empty
  AnyId any_id = AnyId::kRefused;
};

struct ShapePlan {
  enum class Value { kNone, kMoney, kDecimal, kTimestamp, kDuration, kDate, kTimeOfDay };
  enum class Role { kOther, kCreate, kUpdate };

  Value value = Value::kNone;  // checked as a whole, has no rules
  Role role = Role::kOther;    // of a request
  bool resource = false;
  const google::protobuf::FieldDescriptor* occur_time = nullptr;
  std::vector<ShapeRule> rules;
};

const ShapePlan& ShapePlanOf(const google::protobuf::Descriptor* type);

}  // namespace rapport
