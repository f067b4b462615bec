// HTTP to a running server, as far as commands need it: blocking, one connection per request.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rapport {

struct ServerAddress {
  std::string host;
  std::string port;
};

// "http://127.0.0.1:8080", with or without the scheme.
absl::StatusOr<ServerAddress> ParseServer(absl::string_view url);

// A connected socket and what it needs. Reading and writing may be done on two threads.
struct HttpConnection {
  boost::asio::io_context io;
  boost::asio::ip::tcp::socket socket{io};
};

// UNAVAILABLE where nobody listens.
absl::StatusOr<std::unique_ptr<HttpConnection>> Connect(const ServerAddress& server);

// The body of a 200 answer; otherwise what the server says was wrong. UNAVAILABLE where the
// connection failed or the server said 503.
absl::StatusOr<std::string> HttpGet(const ServerAddress& server, const std::string& target);

// The status that an answer other than 200 means; `body` is a google.rpc.Status as JSON.
absl::Status HttpFailure(int http_status, absl::string_view body);

// The path of a resource or collection as a URL carries it.
std::string EscapePath(absl::string_view path);

}  // namespace rapport
