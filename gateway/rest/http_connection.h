// One connection of the HTTP server: reads a request, answers it, and so on. Internal to
// gateway/rest; the only header here that includes Asio.
//
// Threads: a connection lives on the one thread that runs its io_context.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "gateway/rest/http_server.h"
#include "gateway/rest/http_stream.h"
#include "gateway/rest/rest_call.h"

namespace rapport::rest {

// What all connections of a server share. Kept alive by whoever may still finish a call.
struct ServerContext {
  HttpServer::Options options;
  Routes routes;
  Handler* handler = nullptr;
  std::atomic<int> connections = 0;
  std::atomic<int> refusals = 0;
  std::atomic<int> imports = 0;
  std::atomic<bool> closing = false;
  std::atomic<int64_t> handshake_logged = 0;  // the second in which a failed one was
};

// Now and `timeout`, however long that is.
std::chrono::steady_clock::time_point DeadlineAfter(absl::Duration timeout);

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;
  using Parser = boost::beast::http::request_parser<boost::beast::http::buffer_body>;

  Connection(HttpStream::Socket socket, std::weak_ptr<boost::asio::io_context> io,
             std::shared_ptr<ServerContext> server);

  // Serves until either side closes. Does not throw.
  boost::asio::awaitable<void> Run();
  // Says 503 and closes.
  boost::asio::awaitable<void> Refuse();

  void CheckDeadline(Clock::time_point now);
  void CloseIfIdle();
  void Close();

 private:
  friend class ImportStream;
  enum class Read { kPiece, kEnd, kTimeout, kBroken };

  void ExpireAfter(absl::Duration timeout);
  void NeverExpire() { deadline_ = Clock::time_point::max(); }

  // False if the other side speaks no TLS, or not as it should.
  boost::asio::awaitable<bool> Greet();
  void LogHandshake(const boost::system::error_code& error);
  boost::asio::awaitable<bool> WaitForRequest();
  // Reads and answers one request; false if the connection is not to be used again.
  boost::asio::awaitable<bool> ServeOne();
  boost::asio::awaitable<HttpResponse> Respond(Parser& parser);
  boost::asio::awaitable<HttpResponse> RespondToCall(Parser& parser, HttpRequest request);
  boost::asio::awaitable<HttpResponse> RespondToImport(Parser& parser, HttpRequest request);
  boost::asio::awaitable<bool> Continue(Parser& parser);
  // The next piece of the body, in piece_.
  boost::asio::awaitable<Read> ReadPiece(Parser& parser, absl::string_view* piece);
  boost::asio::awaitable<Read> ReadBody(Parser& parser, std::string* body);
  boost::asio::awaitable<Reply> Ask(CallPtr call);
  boost::asio::awaitable<bool> Write(const HttpResponse& response, bool close, bool head);
  boost::asio::awaitable<bool> WriteAll(absl::string_view head, absl::string_view body);
  // Lets the client read the answer before the connection goes.
  boost::asio::awaitable<void> Linger();

  HttpStream stream_;
  std::vector<std::string> names_;  // of the caller's certificate
  std::string actor_;               // of the request, where certificates tell
  // Weak: handlers that wait in the io_context own this connection.
  const std::weak_ptr<boost::asio::io_context> io_;
  const std::shared_ptr<ServerContext> server_;
  boost::beast::flat_buffer buffer_;
  std::vector<char> piece_;
  Clock::time_point deadline_ = Clock::time_point::max();
  bool timed_out_ = false;
  bool idle_ = false;
};

}  // namespace rapport::rest
