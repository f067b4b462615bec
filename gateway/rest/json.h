// Protobuf messages as JSON and back, by the rules of proto3 JSON, quickly.
//
//   std::string text;
//   AppendJson(order, &text);                      // {"name":"customers/h1/orders/b1",…}
//   absl::Status status = ParseJson(body, &order); // "lines[2].unitPrise: unknown field; did you
//   …"
//
// Both work by reflection over a plan that is made once per message type and kept for the life of
// the process. Messages must be of generated types. google.protobuf.Struct, Value and ListValue
// have no special form here: no field of the API is one.
// Threads: all functions may be called from any thread.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace rapport::rest {

// Objects and arrays may be nested this deep; our own messages need fewer than ten.
inline constexpr int kMaxJsonDepth = 32;

// Appends `message`. Fields that hold their default are left out, maps are sorted by key, an Any
// whose type this program does not know is written as {"@type": …, "value": base64}.
void AppendJson(const google::protobuf::Message& message, std::string* out);

// Reads one JSON value into `out`, which should be empty; after an error it holds a part.
// Accepts lowerCamelCase and original field names; null is the same as absent. The error is an
// InvalidField whose path is spelled as the caller spelled it and begins with `path` (where the
// value stands in the request, for example "order").
absl::Status ParseJson(absl::string_view text, google::protobuf::Message* out,
                       absl::string_view path = "");

}  // namespace rapport::rest
