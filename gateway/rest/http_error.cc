#include "gateway/rest/http_error.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gateway/rest/json.h"
#include "gateway/rest/json_text.h"
#include "google/rpc/code.pb.h"
#include "google/rpc/error_details.pb.h"
#include "services/runtime/base/status.h"

namespace rapport::rest {
namespace {

void RespellFields(google::rpc::Status* error) {
  for (auto& detail : *error->mutable_details()) {
    google::rpc::BadRequest bad;
    if (!detail.Is<google::rpc::BadRequest>() || !detail.UnpackTo(&bad)) continue;
    for (auto& violation : *bad.mutable_field_violations()) {
      const std::string camel = CamelCase(violation.field());
      if (camel == violation.field()) continue;
      absl::StrReplaceAll({{violation.field(), camel}}, error->mutable_message());
      violation.set_field(camel);
    }
    detail.PackFrom(bad);
  }
}

// Seconds to wait, rounded up; 0 if the error does not say.
int64_t RetryAfterSeconds(const google::rpc::Status& error) {
  for (const auto& detail : error.details()) {
    google::rpc::RetryInfo retry;
    if (!detail.Is<google::rpc::RetryInfo>() || !detail.UnpackTo(&retry)) continue;
    return retry.retry_delay().seconds() + (retry.retry_delay().nanos() > 0 ? 1 : 0);
  }
  return 0;
}

google::rpc::Code CodeOfHttp(int http_code) {
  switch (http_code) {
    case 404:
      return google::rpc::NOT_FOUND;
    case 405:
      return google::rpc::UNIMPLEMENTED;
    case 408:
      return google::rpc::DEADLINE_EXCEEDED;
    case 503:
      return google::rpc::UNAVAILABLE;
    default:
      return google::rpc::INVALID_ARGUMENT;
  }
}

}  // namespace

int HttpCodeOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return 200;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kAlreadyExists:
      return 409;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kCancelled:
      return 499;
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kUnavailable:
      return 503;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

google::rpc::Status ForCallerAsSpelled(const absl::Status& status, absl::string_view traceparent) {
  return ToRpcStatus(HideInternal(status, traceparent));
}

google::rpc::Status ForCaller(const absl::Status& status, absl::string_view traceparent) {
  google::rpc::Status error = ForCallerAsSpelled(status, traceparent);
  RespellFields(&error);
  return error;
}

void AppendErrorObject(const google::rpc::Status& error, int http_code, std::string* out) {
  const std::string& code = google::rpc::Code_Name(static_cast<google::rpc::Code>(error.code()));
  absl::StrAppend(out, "{\"code\":", http_code, ",\"status\":\"", code.empty() ? "UNKNOWN" : code,
                  "\",\"message\":");
  AppendJsonString(error.message(), out);
  out->append(",\"details\":[");
  for (int i = 0; i < error.details_size(); ++i) {
    if (i > 0) out->push_back(',');
    AppendJson(error.details(i), out);
  }
  out->append("]}");
}

HttpResponse ErrorResponse(const google::rpc::Status& error, bool had_if_match) {
  HttpResponse response;
  response.status = HttpCodeOf(static_cast<absl::StatusCode>(error.code()));
  if (error.code() == google::rpc::ABORTED && had_if_match) response.status = 412;
  if (response.status == 429 || response.status == 503) {
    const int64_t wait = std::max<int64_t>(RetryAfterSeconds(error), kDefaultRetryAfterSeconds);
    response.headers = absl::StrCat("Retry-After: ", wait, "\r\n");
  }
  response.body = "{\"error\":";
  AppendErrorObject(error, response.status, &response.body);
  response.body.push_back('}');
  return response;
}

HttpResponse HttpErrorResponse(int http_code, absl::string_view message) {
  google::rpc::Status error;
  error.set_code(CodeOfHttp(http_code));
  error.set_message(std::string(message));
  HttpResponse response;
  response.status = http_code;
  if (http_code == 503) {
    response.headers = absl::StrCat("Retry-After: ", kDefaultRetryAfterSeconds, "\r\n");
  }
  response.body = "{\"error\":";
  AppendErrorObject(error, http_code, &response.body);
  response.body.push_back('}');
  return response;
}

absl::string_view ReasonOf(int http_code) {
  switch (http_code) {
    case 200:
      return "OK";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 499:
      return "Client Closed Request";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return http_code < 500 ? "Error" : "Internal Server Error";
  }
}

}  // namespace rapport::rest
