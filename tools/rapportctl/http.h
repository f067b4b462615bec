// HTTP to a running server, as far as commands need it: blocking, one connection per request.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/rapportctl/connection.h"

namespace rapport {

// The body of a 200 answer; otherwise what the server says was wrong. UNAVAILABLE where the
// server said 503; where the connection failed, as Connection.
absl::StatusOr<std::string> HttpGet(const ServerAddress& server, const std::string& target);

// The status that an answer other than 200 means; `body` is a google.rpc.Status as JSON.
absl::Status HttpFailure(int http_status, absl::string_view body);

// The path of a resource or collection as a URL carries it.
std::string EscapePath(absl::string_view path);

}  // namespace rapport
