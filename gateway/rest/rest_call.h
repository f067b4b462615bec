// From an HTTP request to a Call and from its Reply to an HTTP answer, without any socket.
//
//   PreparedCall prepared = PrepareCall(routes, request);
//   if (prepared.call == nullptr) return prepared.refusal;
//   … handler.Handle(std::move(prepared.call)) …
//   return AnswerCall(prepared.context, std::move(reply));
//
// Threads: pure functions.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/rest/http_error.h"
#include "gateway/rest/routes.h"
#include "services/runtime/rpc/call.h"

namespace rapport::rest {

// What the gateway reads of a request; views live as long as the request.
struct HttpRequest {
  absl::string_view method;
  absl::string_view path;  // without the query
  absl::string_view query;
  absl::string_view idempotency_key;
  absl::string_view if_match;
  absl::string_view consistency_token;
  absl::string_view traceparent;
  absl::string_view read;  // Rapport-Read
  absl::string_view actor;
  absl::string_view content_type;
  absl::string_view body;
};

// What the answer will need to know of the question.
struct CallContext {
  const google::protobuf::MethodDescriptor* method = nullptr;
  bool had_if_match = false;
  std::string traceparent;
};

struct PreparedCall {
  CallPtr call;  // null if refused; its `done` is not set
  CallContext context;
  HttpResponse refusal;
};

PreparedCall PrepareCall(const Routes& routes, const HttpRequest& request, absl::Time deadline);
// The same for a route that has been found.
PreparedCall PrepareCall(const RouteMatch& match, const HttpRequest& request, absl::Time deadline);

HttpResponse AnswerCall(const CallContext& context, Reply reply);

// 404 or 405 for a match without a route.
HttpResponse NoRoute(const RouteMatch& match, const HttpRequest& request);

CallMetadata MetadataOf(const HttpRequest& request, absl::Time deadline);

// The one etag that an If-Match names, without quotes; "" for *. Weak ones and lists are refused.
absl::StatusOr<std::string> EtagOfIfMatch(absl::string_view header);

// Whether a Content-Type is `wanted`, whatever its parameters.
bool IsContentType(absl::string_view header, absl::string_view wanted);

}  // namespace rapport::rest
