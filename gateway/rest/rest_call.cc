#include "gateway/rest/rest_call.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gateway/rest/json.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/status.h"

namespace rapport::rest {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// JSON is about this much longer than the same message serialised: saves growing the string.
constexpr size_t kJsonGrowth = 2;

const FieldDescriptor* StringField(const Message& message, const char* name) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  const bool fits = field != nullptr && !field->is_repeated() &&
                    field->cpp_type() == FieldDescriptor::CPPTYPE_STRING;
  return fits ? field : nullptr;
}

absl::string_view Unquoted(absl::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') {
    etag.remove_prefix(1);
    etag.remove_suffix(1);
  }
  return etag;
}

absl::Status SetRequestId(absl::string_view key, Message* request) {
  const FieldDescriptor* field = StringField(*request, "request_id");
  if (key.empty() || field == nullptr) return absl::OkStatus();
  const std::string given = request->GetReflection()->GetString(*request, field);
  if (!given.empty() && given != key) {
    return InvalidField("requestId", "differs from the Idempotency-Key; send one of them");
  }
  request->GetReflection()->SetString(request, field, std::string(key));
  return absl::OkStatus();
}

// The message that holds the etag to compare: the request itself, or an Update's resource.
Message* EtagHolder(const Route& route, Message* request) {
  if (StringField(*request, "etag") != nullptr) return request;
  if (route.body == nullptr || !absl::StartsWith(route.method->name(), "Update")) return nullptr;
  Message* resource = request->GetReflection()->MutableMessage(request, route.body);
  return StringField(*resource, "etag") != nullptr ? resource : nullptr;
}

absl::Status SetEtag(const Route& route, absl::string_view if_match, Message* request) {
  if (if_match.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string etag, EtagOfIfMatch(if_match));
  if (etag.empty()) return absl::OkStatus();
  Message* holder = EtagHolder(route, request);
  if (holder == nullptr) {
    if (route.verb == "GET") return absl::OkStatus();
    return InvalidField("If-Match", absl::StrCat(route.method->name(), " has no precondition"));
  }
  const FieldDescriptor* field = StringField(*holder, "etag");
  const std::string given = holder->GetReflection()->GetString(*holder, field);
  if (!given.empty() && Unquoted(given) != etag) {
    return InvalidField("etag", "differs from the If-Match; send one of them");
  }
  holder->GetReflection()->SetString(holder, field, etag);
  return absl::OkStatus();
}

absl::Status FillRequest(const RouteMatch& match, const HttpRequest& request, Message* message) {
  RETURN_IF_ERROR(match.route->Fill(match, request.query, request.body, message));
  RETURN_IF_ERROR(SetRequestId(request.idempotency_key, message));
  return SetEtag(*match.route, request.if_match, message);
}

// Header values that a service made must not end the header.
void AppendHeader(absl::string_view name, absl::string_view value, std::string* headers) {
  for (const char c : value) {
    if (absl::ascii_iscntrl(c)) return;
  }
  absl::StrAppend(headers, name, ": ", value, "\r\n");
}

}  // namespace

CallMetadata MetadataOf(const HttpRequest& request, absl::Time deadline) {
  return {.consistency_token = std::string(request.consistency_token),
          .actor = std::string(request.actor),
          .traceparent = std::string(request.traceparent),
          .read = std::string(request.read),
          .deadline = deadline};
}

absl::StatusOr<std::string> EtagOfIfMatch(absl::string_view header) {
  header = absl::StripAsciiWhitespace(header);
  if (header == "*") return std::string();
  if (absl::StartsWith(header, "W/")) {
    return InvalidField("If-Match", "weak etags cannot guard a change; send the etag as it came");
  }
  const absl::string_view etag = Unquoted(header);
  if (etag.empty() || etag.find_first_of("\", ") != absl::string_view::npos) {
    return InvalidField("If-Match", "expected one etag, or *");
  }
  return std::string(etag);
}

bool IsContentType(absl::string_view header, absl::string_view wanted) {
  const absl::string_view type = header.substr(0, header.find(';'));
  return absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(type), wanted);
}

HttpResponse NoRoute(const RouteMatch& match, const HttpRequest& request) {
  if (match.allow.empty()) {
    return HttpErrorResponse(404, absl::StrCat("no such path: ", request.path));
  }
  HttpResponse response = HttpErrorResponse(
      405, absl::StrCat(request.method, " is not for this path; it takes ", match.allow));
  AppendHeader("Allow", match.allow, &response.headers);
  return response;
}

PreparedCall PrepareCall(const Routes& routes, const HttpRequest& request, absl::Time deadline) {
  const RouteMatch match = routes.Find(request.method, request.path);
  if (match.route == nullptr) return {.refusal = NoRoute(match, request)};
  return PrepareCall(match, request, deadline);
}

PreparedCall PrepareCall(const RouteMatch& match, const HttpRequest& request, absl::Time deadline) {
  PreparedCall prepared;
  if (!request.body.empty() && !request.content_type.empty() &&
      !IsContentType(request.content_type, "application/json")) {
    prepared.refusal = HttpErrorResponse(415, "send application/json");
    return prepared;
  }
  auto call = std::make_unique<Call>();
  call->method = match.route->method;
  call->request = NewMessage(call->method->input_type(), &call->arena);
  call->metadata = MetadataOf(request, deadline);
  if (const absl::Status status = FillRequest(match, request, call->request); !status.ok()) {
    prepared.refusal = ErrorResponse(ForCallerAsSpelled(status, request.traceparent));
    return prepared;
  }
  prepared.context = {.method = call->method,
                      .had_if_match = !request.if_match.empty(),
                      .traceparent = std::string(request.traceparent)};
  prepared.call = std::move(call);
  return prepared;
}

HttpResponse AnswerCall(const CallContext& context, Reply reply) {
  HttpResponse response;
  if (!reply.status.ok()) {
    response = ErrorResponse(ForCaller(reply.status, context.traceparent), context.had_if_match);
  } else {
    google::protobuf::Arena arena;
    Message* message = NewMessage(context.method->output_type(), &arena);
    if (!message->ParseFromString(reply.body)) {
      return ErrorResponse(
          ForCaller(absl::InternalError("a reply cannot be read"), context.traceparent));
    }
    response.body.reserve(reply.body.size() * kJsonGrowth);
    AppendJson(*message, &response.body);
    if (const FieldDescriptor* field = StringField(*message, "etag"); field != nullptr) {
      const std::string etag = message->GetReflection()->GetString(*message, field);
      if (!etag.empty()) {
        AppendHeader("ETag", absl::StrCat("\"", Unquoted(etag), "\""), &response.headers);
      }
    }
  }
  if (!reply.consistency_token.empty()) {
    AppendHeader("Rapport-Consistency-Token", reply.consistency_token, &response.headers);
  }
  if (reply.repeat) AppendHeader("Rapport-Repeat", "true", &response.headers);
  return response;
}

}  // namespace rapport::rest
