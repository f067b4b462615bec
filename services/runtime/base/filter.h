// AIP-160 filters over messages: = != < <= > >= AND OR NOT - : and parentheses.
//
// Parsed once against a message type, then matched against many messages.
// Threads: a Filter is immutable.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace rapport {

class Filter {
 public:
  // An equality that every match must fulfil: what an index can be asked for.
  struct Equality {
    std::string field;  // proto path: "state", "owner"
    std::string value;  // as text: "OPEN", "users/7"
  };

  // Empty text matches everything. INVALID_ARGUMENT (field "filter") names the position and what
  // was expected, an unknown field, an unknown enum value, a value of the wrong type, or a
  // comparison that the field's type does not have. Fields may be spelled in snake_case or
  // lowerCamelCase. Money's fields are compared only beside an equality on its currency_code.
  static absl::StatusOr<Filter> Parse(absl::string_view text,
                                      const google::protobuf::Descriptor* type);

  bool Matches(const google::protobuf::Message& message) const;
  bool empty() const { return root_ == nullptr; }

  // The equalities that hold for every match: those joined by AND at the top.
  std::vector<Equality> RequiredEqualities() const;

  struct Node;

 private:
  std::shared_ptr<const Node> root_;
};

}  // namespace rapport
