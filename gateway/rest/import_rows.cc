#include "gateway/rest/import_rows.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gateway/rest/json.h"
#include "gateway/rest/json_text.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/status.h"

namespace rapport::rest {
namespace {

using google::protobuf::Message;

absl::Status ReadParameters(absl::string_view query, ImportPlan* plan) {
  ASSIGN_OR_RETURN(const auto parameters, ParseQuery(query));
  bool has_first_row = false;
  for (const auto& [name, value] : parameters) {
    if (name == "job") {
      if (!plan->job.empty()) return InvalidField(name, "appears twice");
      plan->job = value;
    } else if (name == "firstRow" || name == "first_row") {
      if (std::exchange(has_first_row, true)) return InvalidField(name, "appears twice");
      if (!absl::SimpleAtoi(value, &plan->first_row) || plan->first_row < 1) {
        return InvalidField(name, "expected a row number, from 1");
      }
    } else {
      return InvalidField(name, "unknown query parameter; an import takes job and firstRow");
    }
  }
  return Importer::CheckJob(plan->job);
}

bool NamesAnyParent(const RouteMatch& match) {
  return std::find(match.segments.begin(), match.segments.end(), "-") != match.segments.end();
}

absl::Status CheckParent(const RouteMatch& match, const Message& request) {
  for (const FieldPath& variable : match.route->variables) {
    if (variable.size() > 1) continue;
    if (request.GetReflection()->HasField(request, variable[0])) continue;
    return InvalidField(variable[0]->json_name(), "is required: the path says -");
  }
  return absl::OkStatus();
}

}  // namespace

bool IsImportPath(absl::string_view path) {
  return absl::EndsWith(path, kImportVerb);
}

PlannedImport PlanImport(const Routes& routes, const HttpRequest& request) {
  PlannedImport planned;
  ImportPlan& plan = planned.plan;
  plan.match =
      routes.Find("POST", request.path.substr(0, request.path.size() - kImportVerb.size()));
  if (plan.match.route == nullptr ||
      !absl::StartsWith(plan.match.route->method->name(), "Create")) {
    planned.refusal = HttpErrorResponse(404, absl::StrCat("nothing to import at ", request.path));
    return planned;
  }
  if (request.method != "POST") {
    planned.refusal = HttpErrorResponse(405, "an import is a POST");
    planned.refusal.headers = "Allow: POST\r\n";
    return planned;
  }
  if (!request.content_type.empty() &&
      !IsContentType(request.content_type, "application/x-ndjson")) {
    planned.refusal = HttpErrorResponse(415, "send application/x-ndjson");
    return planned;
  }
  if (const absl::Status status = ReadParameters(request.query, &plan); !status.ok()) {
    planned.refusal = ErrorResponse(ForCallerAsSpelled(status, request.traceparent));
    return planned;
  }
  plan.any_parent = NamesAnyParent(plan.match);
  planned.good = true;
  return planned;
}

absl::StatusOr<std::unique_ptr<Message>> ParseRow(const ImportPlan& plan, absl::string_view line) {
  std::unique_ptr<Message> request(NewMessage(plan.match.route->method->input_type(), nullptr));
  RETURN_IF_ERROR(ParseJson(line, request.get()));
  if (plan.any_parent) {
    RETURN_IF_ERROR(CheckParent(plan.match, *request));
  } else {
    RETURN_IF_ERROR(plan.match.route->FillFromPath(plan.match, request.get()));
  }
  return request;
}

void AppendResultLine(const ImportResult& result, absl::string_view traceparent, std::string* out) {
  absl::StrAppend(out, "{\"row\":", result.row);
  if (result.status.ok()) {
    out->append(",\"name\":");
    AppendJsonString(result.name, out);
    if (result.repeat) out->append(",\"repeat\":true");
  } else {
    out->append(",\"error\":");
    AppendErrorObject(ForCaller(result.status, traceparent), HttpCodeOf(result.status.code()), out);
  }
  out->append("}\n");
}

void AppendCountsLine(absl::string_view job, const ImportCounts& counts, std::string* out) {
  absl::StrAppend(out, "{\"job\":\"", job, "\",\"rows\":", counts.rows,
                  ",\"succeeded\":", counts.succeeded, ",\"failed\":", counts.failed, "}\n");
}

}  // namespace rapport::rest
