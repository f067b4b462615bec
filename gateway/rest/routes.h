// Which RPC a method and a path mean, and how path, query and body become its request: what
// google.api.http says of the services' methods.
//
//   ASSIGN_OR_RETURN(Routes routes, Routes::Build({Accounts::descriptor(), …}));
//   Routes::Match match = routes.Find("POST", "/v1/customers/h1/orders/b1:cancel");
//   if (match.route != nullptr) RETURN_IF_ERROR(match.route->Fill(match, query, body, request));
//
// Threads: built once, then read by any thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/rest/path_template.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace rapport::rest {

// More query parameters than any request has fields.
inline constexpr size_t kMaxQueryParameters = 100;

using FieldPath = std::vector<const google::protobuf::FieldDescriptor*>;

struct RouteMatch;

// One binding of one method.
struct Route {
  const google::protobuf::MethodDescriptor* method = nullptr;
  std::string verb;  // GET, POST, …
  PathTemplate path;
  std::vector<FieldPath> variables;                         // as in path.variables
  bool whole_body = false;                                  // body: "*"
  const google::protobuf::FieldDescriptor* body = nullptr;  // body: "order"

  bool has_body() const { return whole_body || body != nullptr; }

  // Makes the request. Unknown and misplaced query parameters are refused by name; what the path
  // says must agree with the body. Errors are InvalidFields in the caller's spelling, from the
  // request's root: "order.lines[2].unitPrise".
  absl::Status Fill(const RouteMatch& match, absl::string_view query, absl::string_view body_json,
                    google::protobuf::Message* request) const;
  // Its last part alone: sets what the path captured.
  absl::Status FillFromPath(const RouteMatch& match, google::protobuf::Message* request) const;
};

// The outcome of a look-up. Views point into the path that was given.
struct RouteMatch {
  const Route* route = nullptr;
  std::vector<absl::string_view> segments;  // the verb taken off
  // Where route is null: the methods that the path has ("GET, PATCH"), empty for an unknown path.
  std::string allow;
};

class Routes {
 public:
  // Every google.api.http binding of `services`; methods without one have no route.
  // INVALID_ARGUMENT for a template or field that does not fit, or a path bound twice.
  static absl::StatusOr<Routes> Build(
      const std::vector<const google::protobuf::ServiceDescriptor*>& services);
  Routes(Routes&&) noexcept;
  Routes& operator=(Routes&&) noexcept;
  ~Routes();

  // HEAD finds GET's route. `path` is without the query.
  RouteMatch Find(absl::string_view http_method, absl::string_view path) const;
  const std::vector<std::unique_ptr<Route>>& all() const { return routes_; }

 private:
  struct Node;
  Routes();
  absl::Status Add(const google::protobuf::MethodDescriptor* method, absl::string_view verb,
                   absl::string_view path, absl::string_view body);

  std::unique_ptr<Node> root_;
  std::vector<std::unique_ptr<Route>> routes_;
};

// The query string as decoded pairs, in order. INVALID_ARGUMENT if it is broken.
absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ParseQuery(
    absl::string_view query);

}  // namespace rapport::rest
