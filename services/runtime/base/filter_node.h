// What a parsed filter is made of; for filter*.cc only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "services/runtime/base/filter.h"

namespace rapport {

struct Filter::Node {
  enum class Kind { kAnd, kOr, kNot, kCompare };
  enum class Operator {
    kEqual,  // of a list: has such an entry
    kNotEqual,
    kLess,
    kLessOrEqual,
    kGreater,
    kGreaterOrEqual,
    kContains,  // a text, regardless of case
    kPresent,
  };

  Kind kind = Kind::kCompare;
  std::vector<std::unique_ptr<Node>> children;  // of kAnd, kOr, kNot
  size_t position = 0;                          // in bytes of the filter's text

  // Of kCompare:
  std::vector<const google::protobuf::FieldDescriptor*> path;
  std::optional<std::string> map_key;  // the last field of the path is a map
  Operator op = Operator::kEqual;
  bool any_before = false;  // "*text"
  bool any_after = false;   // "text*"
  std::string text;         // strings, enum names, decimals in their canonical form
  int64_t integer = 0;      // integers, enums, booleans, seconds, days as yyyymmdd
  uint64_t natural = 0;     // unsigned integers
  double floating = 0;
  int32_t nanos = 0;

  bool ThroughList() const;  // some field of the path is repeated
  // What is compared: the last field, or the value of the map.
  const google::protobuf::FieldDescriptor* leaf() const;
};

absl::StatusOr<std::unique_ptr<Filter::Node>> ParseFilter(absl::string_view text,
                                                          const google::protobuf::Descriptor* type);

// INVALID_ARGUMENT on "filter" with the position in characters, counted from 1.
absl::Status FilterError(absl::string_view text, size_t position, absl::string_view what);

// Gives a comparison its meaning: resolves `segments` in `type`, reads `value` by the field's type.
struct FilterValue {
  std::string text;
  bool quoted = false;
  bool any_before = false;
  bool any_after = false;
  bool lone_star = false;  // a bare *
  size_t position = 0;
};
absl::Status BindComparison(absl::string_view filter, const google::protobuf::Descriptor* type,
                            const std::vector<std::string>& segments, absl::string_view op,
                            FilterValue value, Filter::Node& node);

}  // namespace rapport
