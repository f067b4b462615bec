#include "gateway/rest/http_connection.h"

#include <openssl/err.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/rest/import_rows.h"
#include "gateway/rest/import_stream.h"
#include "services/runtime/base/clock.h"
#include "services/runtime/base/status.h"

namespace rapport::rest {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
// Read at once from a connection; also the room for a body's pieces.
constexpr size_t kPieceBytes = 64 * 1024;
constexpr absl::Duration kImportRetryAfter = absl::Seconds(5);
// What is read ahead where a request is waited for over TLS: at most one record's.
constexpr size_t kTlsRecordBytes = 16 * 1024;
// Longer ones overflow the clock.
constexpr absl::Duration kLongestTimeout = absl::Hours(24 * 365);
// Headers and what came behind them, by mistake of size at most.
constexpr size_t kBufferBytes = kMaxHeaderBytes + kPieceBytes;

template <typename Text>
absl::string_view View(const Text& text) {
  return {text.data(), text.size()};
}

// As HTTP wants it (RFC 9110, 5.6.7); made once a second.
const std::string& DateHeader() {
  thread_local absl::Time made_at = absl::InfinitePast();
  thread_local std::string header;
  const absl::Time now = absl::Now();
  if (now - made_at >= absl::Seconds(1)) {
    made_at = now;
    header = absl::FormatTime("Date: %a, %d %b %E4Y %H:%M:%S GMT\r\n", now, absl::UTCTimeZone());
  }
  return header;
}

HttpRequest RequestOf(const Connection::Parser& parser) {
  const auto& message = parser.get();
  const absl::string_view target = View(message.target());
  const size_t question = target.find('?');
  const bool has_query = question != absl::string_view::npos;
  return {.method = View(message.method_string()),
          .path = target.substr(0, question),
          .query = has_query ? target.substr(question + 1) : absl::string_view(),
          .idempotency_key = View(message["Idempotency-Key"]),
          .if_match = View(message[http::field::if_match]),
          .consistency_token = View(message["Rapport-Consistency-Token"]),
          .traceparent = View(message["traceparent"]),
          .read = View(message["Rapport-Read"]),
          .actor = View(message["X-Rapport-Actor"]),
          .content_type = View(message[http::field::content_type])};
}

// Whether somebody sent plain HTTP where a handshake of TLS was expected.
bool SpokePlainHttp(const error_code& error) {
  return error.category() == asio::error::get_ssl_category() &&
         ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_HTTP_REQUEST;
}

HttpResponse Closing(HttpResponse response) {
  response.close = true;
  return response;
}

HttpResponse Plain(int status, absl::string_view text) {
  return {.status = status, .body = std::string(text), .content_type = "text/plain"};
}

}  // namespace

std::chrono::steady_clock::time_point DeadlineAfter(absl::Duration timeout) {
  return std::chrono::steady_clock::now() +
         absl::ToChronoNanoseconds(std::min(timeout, kLongestTimeout));
}

Connection::Connection(HttpStream::Socket socket, std::weak_ptr<asio::io_context> io,
                       std::shared_ptr<ServerContext> server)
    : stream_(std::move(socket),
              server->options.tls != nullptr ? server->options.tls->Accept() : nullptr),
      io_(std::move(io)),
      server_(std::move(server)),
      buffer_(kBufferBytes) {}

// Who is refused by its certificate, or shows none, finds no reason at its own end. What breaks off
// without TLS's word for it is a scan or a change of mind.
void Connection::LogHandshake(const error_code& error) {
  if (error.category() != asio::error::get_ssl_category()) return;
  const int64_t second = absl::ToUnixSeconds(absl::Now());
  if (server_->handshake_logged.exchange(second) == second) return;
  error_code gone;
  const auto from = stream_.socket().remote_endpoint(gone);
  Log(Level::kWarning, "tls_handshake_failed",
      {{"from", gone ? "" : from.address().to_string()}, {"error", error.message()}});
}

void Connection::ExpireAfter(absl::Duration timeout) {
  timed_out_ = false;
  deadline_ = DeadlineAfter(timeout);
}

void Connection::CheckDeadline(Clock::time_point now) {
  if (now < deadline_) return;
  NeverExpire();
  timed_out_ = true;
  error_code ignored;
  stream_.socket().cancel(ignored);  // whoever waits finds timed_out_
}

void Connection::CloseIfIdle() {
  if (idle_) Close();
}

void Connection::Close() {
  error_code ignored;
  stream_.socket().close(ignored);
}

asio::awaitable<void> Connection::Run() {
  error_code ignored;
  stream_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  // No && between two co_awaits: g++ 12 may run the second one though the first was false.
  bool good = co_await Greet();
  if (good) good = co_await WaitForRequest();
  while (good) {
    good = co_await ServeOne();
    if (good) good = co_await WaitForRequest();
  }
  ExpireAfter(server_->options.linger_timeout);
  co_await stream_.EndTls();
  Close();
}

asio::awaitable<bool> Connection::Greet() {
  if (!stream_.secure()) co_return true;
  ExpireAfter(server_->options.header_timeout);
  const error_code error = co_await stream_.Handshake();
  if (!error) {
    names_ = stream_.PeerNames();
    co_return true;
  }
  LogHandshake(error);
  if (SpokePlainHttp(error)) {
    stream_.GiveUpTls();
    const bool written =
        co_await Write(HttpErrorResponse(400, "this port speaks TLS only; use https"), true, false);
    if (written) co_await Linger();
  }
  co_return false;
}

asio::awaitable<void> Connection::Refuse() {
  bool good = co_await Greet();
  if (good) {
    good = co_await Write(
        HttpErrorResponse(503, "too many connections; use fewer, or another gateway"), true, false);
  }
  if (good) co_await Linger();
  Close();
}

asio::awaitable<bool> Connection::WaitForRequest() {
  if (server_->closing) co_return false;
  if (buffer_.size() > 0) co_return true;
  idle_ = true;
  ExpireAfter(server_->options.idle_timeout);
  error_code error;
  if (stream_.secure()) {
    // What came with the request before may be decrypted already: only reading finds it.
    const auto [failed, bytes] =
        co_await stream_.async_read_some(buffer_.prepare(kTlsRecordBytes), kAwait);
    buffer_.commit(bytes);
    error = failed;
  } else {
    const auto [failed] =
        co_await stream_.socket().async_wait(asio::socket_base::wait_read, kAwait);
    error = failed;
  }
  idle_ = false;
  co_return !error;
}

asio::awaitable<bool> Connection::ServeOne() {
  Parser parser;
  parser.header_limit(kMaxHeaderBytes);
  parser.body_limit(boost::none);  // ReadBody limits it: an import has no limit
  ExpireAfter(server_->options.header_timeout);
  const auto [error, bytes] = co_await http::async_read_header(stream_, buffer_, parser, kAwait);
  HttpResponse response;
  if (!error) {
    response = co_await Respond(parser);
  } else if (timed_out_) {
    response = Closing(HttpErrorResponse(408, "the headers took too long"));
  } else if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    response = Closing(HttpErrorResponse(
        431, absl::StrCat("the headers are longer than ", kMaxHeaderBytes, " bytes")));
  } else if (error.category() == http::make_error_code(http::error::bad_method).category() &&
             error != http::error::end_of_stream && error != http::error::partial_message) {
    response = Closing(HttpErrorResponse(400, "this is not HTTP/1.1"));
  } else {
    co_return false;
  }
  if (response.sent) co_return !response.close && !server_->closing;
  const bool unread = !parser.is_done();
  const bool close = response.close || unread || !parser.get().keep_alive() ||
                     parser.get().version() < 11 || server_->closing;
  const bool head = parser.get().method() == http::verb::head;
  if (!co_await Write(response, close, head)) co_return false;
  if (unread) co_await Linger();
  co_return !close;
}

asio::awaitable<HttpResponse> Connection::Respond(Parser& parser) {
  HttpRequest request = RequestOf(parser);
  if (const auto& tls = server_->options.tls; tls != nullptr && tls->mutual()) {
    absl::StatusOr<std::string> actor = ActorOf(names_, tls->instances(), request.actor);
    if (!actor.ok()) co_return ErrorResponse(ForCaller(actor.status(), request.traceparent));
    actor_ = *std::move(actor);
    request.actor = actor_;
  }
  if (request.path == "/healthz") {
    const absl::Status alive = server_->options.alive();
    co_return alive.ok() ? Plain(200, "ok") : Plain(503, alive.message());
  }
  if (request.path == "/readyz") {
    co_return server_->options.ready() ? Plain(200, "ready") : Plain(503, "not ready");
  }
  const auto& files = server_->options.files;
  if (const auto file = files.find(request.path); file != files.end()) {
    const bool reads = request.method == "GET" || request.method == "HEAD";
    co_return reads ? file->second : NoRoute({.allow = "GET, HEAD"}, request);
  }
  if (IsImportPath(request.path)) co_return co_await RespondToImport(parser, request);
  co_return co_await RespondToCall(parser, request);
}

asio::awaitable<HttpResponse> Connection::RespondToCall(Parser& parser, HttpRequest request) {
  const RouteMatch match = server_->routes.Find(request.method, request.path);
  const uint64_t limit = server_->options.max_body_bytes;
  const HttpResponse too_large =
      Closing(HttpErrorResponse(413, absl::StrCat("the body is larger than ", limit, " bytes")));
  if (parser.content_length().value_or(0) > limit) co_return too_large;
  if (match.route != nullptr && match.route->body != nullptr && !parser.content_length() &&
      !parser.chunked()) {
    co_return HttpErrorResponse(411, "send the body with its Content-Length, or chunked");
  }
  if (!co_await Continue(parser)) co_return HttpResponse{.close = true};
  std::string body;
  switch (co_await ReadBody(parser, &body)) {
    case Read::kEnd:
      break;
    case Read::kPiece:
      co_return too_large;
    case Read::kTimeout:
      co_return Closing(HttpErrorResponse(408, "the body took too long"));
    case Read::kBroken:
      co_return Closing(HttpErrorResponse(400, "the body is broken"));
  }
  if (match.route == nullptr) co_return NoRoute(match, request);
  request.body = body;
  PreparedCall prepared = PrepareCall(match, request, SteadyNow() + server_->options.call_timeout);
  if (prepared.call == nullptr) co_return std::move(prepared.refusal);
  NeverExpire();
  co_return AnswerCall(prepared.context, co_await Ask(std::move(prepared.call)));
}

asio::awaitable<HttpResponse> Connection::RespondToImport(Parser& parser, HttpRequest request) {
  PlannedImport planned = PlanImport(server_->routes, request);
  if (!planned.good) co_return std::move(planned.refusal);
  if (parser.get().version() < 11) co_return HttpErrorResponse(400, "an import needs HTTP/1.1");
  if (!parser.content_length() && !parser.chunked()) {
    co_return HttpErrorResponse(411, "send the rows with their Content-Length, or chunked");
  }
  if (++server_->imports > kMaxImports) {
    --server_->imports;
    co_return ErrorResponse(ForCaller(
        Overloaded("too many imports at once; wait for another to end", kImportRetryAfter), ""));
  }
  bool good = co_await Continue(parser);
  if (good) {
    const auto stream = std::make_shared<ImportStream>(*this, std::move(planned.plan), request);
    good = co_await stream->Run(parser, absl::StrCat("HTTP/1.1 200 OK\r\n", DateHeader(),
                                                     "Content-Type: application/x-ndjson\r\n",
                                                     "Transfer-Encoding: chunked\r\n\r\n"));
  }
  --server_->imports;
  co_return HttpResponse{.close = !good, .sent = true};
}

asio::awaitable<bool> Connection::Continue(Parser& parser) {
  if (parser.is_done() ||
      !absl::EqualsIgnoreCase(View(parser.get()[http::field::expect]), "100-continue")) {
    co_return true;
  }
  co_return co_await WriteAll("HTTP/1.1 100 Continue\r\n\r\n", "");
}

asio::awaitable<Connection::Read> Connection::ReadPiece(Parser& parser, absl::string_view* piece) {
  if (piece_.empty()) piece_.resize(kPieceBytes);
  while (!parser.is_done()) {
    auto& body = parser.get().body();
    body.data = piece_.data();
    body.size = piece_.size();
    const auto [error, bytes] = co_await http::async_read_some(stream_, buffer_, parser, kAwait);
    if (error && error != http::error::need_buffer) {
      co_return timed_out_ ? Read::kTimeout : Read::kBroken;
    }
    *piece = absl::string_view(piece_.data(), piece_.size() - body.size);
    if (!piece->empty()) co_return Read::kPiece;
  }
  co_return Read::kEnd;
}

// kPiece means that there is more than the limit.
asio::awaitable<Connection::Read> Connection::ReadBody(Parser& parser, std::string* body) {
  ExpireAfter(server_->options.body_timeout);
  body->reserve(parser.content_length().value_or(0));
  absl::string_view piece;
  for (;;) {
    const Read read = co_await ReadPiece(parser, &piece);
    if (read != Read::kPiece) co_return read;
    if (body->size() + piece.size() > server_->options.max_body_bytes) co_return read;
    body->append(piece.data(), piece.size());
  }
}

asio::awaitable<Reply> Connection::Ask(CallPtr call) {
  // The answer may come on any thread, even after the server is gone: it keeps the io_context.
  const auto start = [](auto resume, std::shared_ptr<asio::io_context> io, Handler* handler,
                        CallPtr started) {
    started->done = [io = std::move(io), resume = std::move(resume)](Reply reply) mutable {
      asio::post(*io, [resume = std::move(resume), reply = std::move(reply)]() mutable {
        std::move(resume)(std::move(reply));
      });
    };
    handler->Handle(std::move(started));
  };
  co_return co_await asio::async_initiate<decltype(asio::use_awaitable), void(Reply)>(
      start, asio::use_awaitable, io_.lock(), server_->handler, std::move(call));
}

asio::awaitable<bool> Connection::Write(const HttpResponse& response, bool close, bool head) {
  const std::string headers = absl::StrCat(
      "HTTP/1.1 ", response.status, " ", ReasonOf(response.status), "\r\n", DateHeader(),
      "Content-Type: ", response.content_type, "\r\nContent-Length: ", response.body.size(),
      close ? "\r\nConnection: close\r\n" : "\r\n", response.headers, "\r\n");
  co_return co_await WriteAll(headers, head ? absl::string_view() : response.body);
}

asio::awaitable<bool> Connection::WriteAll(absl::string_view head, absl::string_view body) {
  ExpireAfter(server_->options.write_timeout);
  const std::array<asio::const_buffer, 2> buffers = {asio::buffer(head.data(), head.size()),
                                                     asio::buffer(body.data(), body.size())};
  const auto [error, bytes] = co_await asio::async_write(stream_, buffers, kAwait);
  co_return !error;
}

asio::awaitable<void> Connection::Linger() {
  ExpireAfter(server_->options.linger_timeout);
  co_await stream_.EndTls();
  error_code ignored;
  HttpStream::Socket& socket = stream_.socket();
  socket.shutdown(HttpStream::Socket::shutdown_send, ignored);
  if (piece_.empty()) piece_.resize(kPieceBytes);
  while (!timed_out_) {
    const auto [error, bytes] = co_await socket.async_read_some(asio::buffer(piece_), kAwait);
    if (error) co_return;
  }
}

}  // namespace rapport::rest
