// One path of google.api.http, such as /v1/{name=customers/*/orders/*}:cancel.
//
// Templates are made of literals, * (one segment), ** (the rest, at the end only), {field=…} around
// some of these, {field} for one segment, and :verb at the end.
// Threads: pure values.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rapport::rest {

struct PathTemplate {
  struct Variable {
    std::string field;  // dotted, by its proto name: "order.name"
    int begin = 0;      // its segments are [begin, end); end is -1 where it ends with **
    int end = 0;
  };
  std::vector<std::string> segments;  // a literal, "*" or "**"
  std::vector<Variable> variables;
  std::string verb;  // without the colon

  static absl::StatusOr<PathTemplate> Parse(absl::string_view text);
};

// Segments of a request's path, still percent-encoded: "/v1/customers/h1" → v1, customers, h1.
// Empty if the path does not begin with a slash or has an empty segment.
std::vector<absl::string_view> SplitPath(absl::string_view path);

// What a variable captured: its segments decoded and joined. An encoded slash stays encoded
// (%2F), so that it is never taken for the end of a segment. False if the encoding is broken, or
// the outcome is not UTF-8 or holds control characters.
bool DecodeSegments(const std::vector<absl::string_view>& segments, size_t begin, size_t end,
                    std::string* out);

// Decodes one part of a query string, where + is a space. False as above.
bool DecodeQuery(absl::string_view text, std::string* out);

}  // namespace rapport::rest
