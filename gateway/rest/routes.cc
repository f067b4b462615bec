#include "gateway/rest/routes.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "google/api/annotations.pb.h"
#include "google/api/http.pb.h"
#include "services/runtime/base/status.h"

namespace rapport::rest {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

absl::StatusOr<FieldPath> Resolve(const Descriptor* type, absl::string_view dotted) {
  FieldPath path;
  for (const absl::string_view name : absl::StrSplit(dotted, '.')) {
    const FieldDescriptor* field =
        type == nullptr ? nullptr : type->FindFieldByName(std::string(name));
    if (field == nullptr) return absl::InvalidArgumentError(absl::StrCat("no field ", dotted));
    path.push_back(field);
    type = field->message_type();
  }
  return path;
}

struct Binding {
  absl::string_view verb;
  absl::string_view path;
};

Binding BindingOf(const google::api::HttpRule& rule) {
  switch (rule.pattern_case()) {
    case google::api::HttpRule::kGet:
      return {"GET", rule.get()};
    case google::api::HttpRule::kPut:
      return {"PUT", rule.put()};
    case google::api::HttpRule::kPost:
      return {"POST", rule.post()};
    case google::api::HttpRule::kDelete:
      return {"DELETE", rule.delete_()};
    case google::api::HttpRule::kPatch:
      return {"PATCH", rule.patch()};
    case google::api::HttpRule::kCustom:
      return {rule.custom().kind(), rule.custom().path()};
    case google::api::HttpRule::PATTERN_NOT_SET:
      break;
  }
  return {};
}

}  // namespace

// A tree of segments; literals are tried before *, and * before **.
struct Routes::Node {
  using Methods = std::map<std::string, const Route*, std::less<>>;

  std::map<std::string, std::unique_ptr<Node>, std::less<>> children;
  std::map<std::string, Methods, std::less<>> ends;  // by the path's verb, "" for none

  Node* Child(const std::string& segment) {
    auto& child = children[segment];
    if (child == nullptr) child = std::make_unique<Node>();
    return child.get();
  }
  const Node* Find(absl::string_view segment) const {
    const auto it = children.find(segment);
    return it == children.end() ? nullptr : it->second.get();
  }

  // Collects the methods of every template that fits, the most literal first.
  void Match(const std::vector<absl::string_view>& segments, size_t at, const std::string& verb,
             std::vector<const Methods*>* found) const {
    if (at == segments.size()) {
      if (const auto end = ends.find(verb); end != ends.end()) found->push_back(&end->second);
      return;
    }
    if (const Node* child = Find(segments[at])) child->Match(segments, at + 1, verb, found);
    if (const Node* child = Find("*")) child->Match(segments, at + 1, verb, found);
    if (const Node* child = Find("**")) child->Match(segments, segments.size(), verb, found);
  }
};

Routes::Routes() : root_(std::make_unique<Node>()) {}
Routes::Routes(Routes&&) noexcept = default;
Routes& Routes::operator=(Routes&&) noexcept = default;
Routes::~Routes() = default;

absl::StatusOr<Routes> Routes::Build(
    const std::vector<const google::protobuf::ServiceDescriptor*>& services) {
  Routes routes;
  for (const auto* service : services) {
    for (int i = 0; i < service->method_count(); ++i) {
      const auto* method = service->method(i);
      if (!method->options().HasExtension(google::api::http)) continue;
      const auto& rule = method->options().GetExtension(google::api::http);
      const Binding main = BindingOf(rule);
      RETURN_IF_ERROR(routes.Add(method, main.verb, main.path, rule.body()));
      for (const auto& more : rule.additional_bindings()) {
        const Binding binding = BindingOf(more);
        RETURN_IF_ERROR(routes.Add(method, binding.verb, binding.path, more.body()));
      }
    }
  }
  return routes;
}

absl::Status Routes::Add(const google::protobuf::MethodDescriptor* method, absl::string_view verb,
                         absl::string_view path, absl::string_view body) {
  auto route = std::make_unique<Route>();
  route->method = method;
  route->verb = std::string(verb);
  ASSIGN_OR_RETURN(route->path, PathTemplate::Parse(path));
  for (const auto& variable : route->path.variables) {
    ASSIGN_OR_RETURN(FieldPath fields, Resolve(method->input_type(), variable.field));
    if (fields.back()->is_repeated() || fields.back()->message_type() != nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": ", variable.field, " is no scalar"));
    }
    route->variables.push_back(std::move(fields));
  }
  if (body == "*") {
    route->whole_body = true;
  } else if (!body.empty()) {
    route->body = method->input_type()->FindFieldByName(std::string(body));
    if (route->body == nullptr || route->body->message_type() == nullptr ||
        route->body->is_repeated()) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": body ", body, " is no message"));
    }
  }
  Node* node = root_.get();
  for (const std::string& segment : route->path.segments) node = node->Child(segment);
  auto& slot = node->ends[route->path.verb][route->verb];
  if (slot != nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(verb, " ", path, " is bound twice"));
  }
  slot = route.get();
  routes_.push_back(std::move(route));
  return absl::OkStatus();
}

RouteMatch Routes::Find(absl::string_view http_method, absl::string_view path) const {
  RouteMatch match;
  match.segments = SplitPath(path);
  if (match.segments.empty()) return match;
  std::vector<const Node::Methods*> found;
  // A colon in the last segment begins a verb; in an id it is written %3A.
  absl::string_view& last = match.segments.back();
  std::string verb;
  if (const size_t colon = last.rfind(':'); colon != absl::string_view::npos) {
    verb = std::string(last.substr(colon + 1));
    last = last.substr(0, colon);
    if (verb.empty() || last.empty()) return match;
  }
  root_->Match(match.segments, 0, verb, &found);
  const absl::string_view wanted = http_method == "HEAD" ? "GET" : http_method;
  std::set<std::string> allowed;
  for (const Node::Methods* methods : found) {
    if (const auto it = methods->find(wanted); it != methods->end()) {
      match.route = it->second;
      return match;
    }
    for (const auto& [name, route] : *methods) allowed.insert(name);
  }
  if (allowed.count("GET") > 0) allowed.insert("HEAD");
  match.allow = absl::StrJoin(allowed, ", ");
  return match;
}

}  // namespace rapport::rest
