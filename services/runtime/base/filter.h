// AIP-160 filters over messages: = != < <= > >= AND OR NOT - : and parentheses.
//
// OR binds tighter than AND, as AIP-160 says; comparisons side by side are joined by AND.
//   state = OPEN AND (kind = COMPLAINT OR labels.region = "north") AND -assignee:*
//  - f : "text"   a string that contains it, regardless of case; a list or map value that equals it
//  - f : *        is set; labels:region has that key
//  - f = "a*"     begins with it; "*a" ends, "*a*" contains; \* is a star itself
//  - times in RFC 3339, durations like 20s, days like "2026-01-31", enum values by name
// Comparisons on what is absent (a message, a key) match nothing, != neither.
// At most 2,000 characters, 100 comparisons, 20 parentheses deep.
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
  // `type` and the messages are generated ones.
  static absl::StatusOr<Filter> Parse(absl::string_view text,
                                      const google::protobuf::Descriptor* type);

  bool Matches(const google::protobuf::Message& message) const;
  bool empty() const { return root_ == nullptr; }

  // The equalities that hold for every match: those joined by AND at the top. A list's
  // membership (roles:PARTNER) is one too: its index has an entry per value.
  std::vector<Equality> RequiredEqualities() const;

  struct Node;

 private:
  std::shared_ptr<const Node> root_;
};

}  // namespace rapport
