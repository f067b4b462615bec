// How path, query and body become a request.
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gateway/rest/json.h"
#include "gateway/rest/json_plan.h"
#include "gateway/rest/json_text.h"
#include "gateway/rest/routes.h"
#include "services/runtime/base/status.h"

namespace rapport::rest {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The message that holds the last field of `path`, made where it is not there.
Message* Holder(const FieldPath& path, Message* message) {
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    message = message->GetReflection()->MutableMessage(message, path[i]);
  }
  return message;
}

absl::Status Unknown(absl::string_view parameter, absl::string_view why) {
  return InvalidField(parameter, absl::StrCat("unknown query parameter", why));
}

// The field that a dotted name means; both spellings of each part are taken.
absl::StatusOr<FieldPath> ResolveParameter(const google::protobuf::Descriptor* type,
                                           absl::string_view parameter) {
  FieldPath path;
  for (const absl::string_view name : absl::StrSplit(parameter, '.')) {
    if (type == nullptr) return Unknown(parameter, "");
    const MessagePlan& plan = PlanOf(type);
    const auto found = plan.by_name.find(std::string(name));
    if (plan.form != MessagePlan::Form::kFields || found == plan.by_name.end()) {
      return Unknown(parameter, "");
    }
    const FieldDescriptor* field = plan.fields[found->second].field;
    if (!path.empty() && path.back()->is_repeated()) return Unknown(parameter, "");
    path.push_back(field);
    type = field->message_type();
  }
  return path;
}

bool SameBeginning(const FieldPath& a, const FieldPath& b) {
  const size_t size = std::min(a.size(), b.size());
  return std::equal(a.begin(), a.begin() + size, b.begin());
}

absl::Status FillFromQuery(const Route& route, absl::string_view query, Message* request) {
  if (query.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto parameters, ParseQuery(query));
  std::set<FieldPath> seen;
  for (const auto& [name, value] : parameters) {
    if (route.whole_body) return Unknown(name, ": this method takes all fields in its body");
    ASSIGN_OR_RETURN(const FieldPath path, ResolveParameter(request->GetDescriptor(), name));
    if (path.front() == route.body) return Unknown(name, ": it belongs into the body");
    for (const FieldPath& variable : route.variables) {
      if (SameBeginning(variable, path)) return InvalidField(name, "is already in the path");
    }
    const bool first = seen.insert(path).second;
    if (!first && !path.back()->is_repeated()) return InvalidField(name, "appears twice");
    RETURN_IF_ERROR(SetFromText(path.back(), value, name, Holder(path, request)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ParseQuery(
    absl::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  for (const absl::string_view part : absl::StrSplit(query, '&', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    auto& [name, value] = parameters.emplace_back();
    if (!DecodeQuery(pair.first, &name) || !DecodeQuery(pair.second, &value)) {
      return InvalidField("query", "broken percent-encoding, or not UTF-8");
    }
    if (parameters.size() > kMaxQueryParameters) {
      return InvalidField("query", absl::StrCat("more than ", kMaxQueryParameters, " parameters"));
    }
  }
  return parameters;
}

absl::Status Route::Fill(const RouteMatch& match, absl::string_view query,
                         absl::string_view body_json, Message* request) const {
  if (whole_body && !body_json.empty()) {
    RETURN_IF_ERROR(ParseJson(body_json, request));
  } else if (body != nullptr && !body_json.empty()) {
    RETURN_IF_ERROR(ParseJson(body_json, request->GetReflection()->MutableMessage(request, body),
                              body->json_name()));
  } else if (!body_json.empty()) {
    return InvalidField("body", "this method takes none");
  }
  RETURN_IF_ERROR(FillFromQuery(*this, query, request));
  return FillFromPath(match, request);
}

absl::Status Route::FillFromPath(const RouteMatch& match, Message* request) const {
  std::string value;
  for (size_t i = 0; i < variables.size(); ++i) {
    const PathTemplate::Variable& variable = path.variables[i];
    const FieldDescriptor* field = variables[i].back();
    const std::string spelled = CamelCase(variable.field);
    const size_t end = variable.end < 0 ? match.segments.size() : variable.end;
    if (!DecodeSegments(match.segments, variable.begin, end, &value)) {
      return InvalidField(spelled, "broken percent-encoding, control characters or not UTF-8");
    }
    Message* holder = Holder(variables[i], request);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      std::string scratch;
      const std::string& given =
          holder->GetReflection()->GetStringReference(*holder, field, &scratch);
      if (!given.empty() && given != value) {
        return InvalidField(spelled, absl::StrCat("is not what the path says, ", value));
      }
    }
    RETURN_IF_ERROR(SetFromText(field, value, spelled, holder));
  }
  return absl::OkStatus();
}

}  // namespace rapport::rest
