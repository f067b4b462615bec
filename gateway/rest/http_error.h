// How a refusal looks over HTTP: google.rpc.Status as {"error": {…}}, and its status code.
// Threads: pure functions.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/rpc/status.pb.h"

namespace rapport::rest {

// Sent where a refusal that may be repeated names no time itself.
inline constexpr int kDefaultRetryAfterSeconds = 1;

// An answer, whatever it came from.
struct HttpResponse {
  int status = 200;
  std::string headers;  // lines that end with \r\n, beside those of every answer
  std::string body;
  absl::string_view content_type = "application/json; charset=utf-8";
  bool close = false;  // the connection cannot be used again
  bool sent = false;   // the client has it already
};

// 400 for INVALID_ARGUMENT and so on, by the table of the API's habits.
int HttpCodeOf(absl::StatusCode code);

// The status as a caller may see it. Field paths are respelled for JSON (order.unit_price →
// order.unitPrice, in details and message); an error of ours keeps nothing but a trace id.
google::rpc::Status ForCaller(const absl::Status& status, absl::string_view traceparent);
// For errors of our own reading, whose paths already are the caller's.
google::rpc::Status ForCallerAsSpelled(const absl::Status& status, absl::string_view traceparent);

// Appends {"code":…,"status":…,"message":…,"details":[…]}.
void AppendErrorObject(const google::rpc::Status& error, int http_code, std::string* out);

// The whole answer, with Retry-After where it may be repeated.
HttpResponse ErrorResponse(const google::rpc::Status& error, bool had_if_match = false);

// Errors that are HTTP's own: 404, 405, 408, 411, 413, 415, 431, 503.
HttpResponse HttpErrorResponse(int http_code, absl::string_view message);

// The words after the code in the first line of an answer.
absl::string_view ReasonOf(int http_code);

}  // namespace rapport::rest
