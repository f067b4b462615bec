#include "tools/rapportctl/connection.h"

#include <openssl/err.h>
#include <poll.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/ssl/error.hpp>
#include <cerrno>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// As long as the server waits for one.
constexpr absl::Duration kHandshakeTimeout = absl::Seconds(10);
// What a record of TLS begins with that says why the other side ends.
constexpr unsigned char kTlsAlert = 0x15;

// Of a step that OpenSSL did not do, on the thread that tried it.
error_code ErrorOf(int what) {
  const int system = errno;
  if (what == SSL_ERROR_ZERO_RETURN) return asio::error::eof;
  const unsigned long error = ERR_peek_error();
  if (what == SSL_ERROR_SYSCALL && system != 0) return {system, boost::system::system_category()};
  if (error == 0 || ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    return asio::ssl::error::stream_truncated;
  }
  return {static_cast<int>(error), asio::error::get_ssl_category()};
}

}  // namespace

std::string ServerAddress::text() const {
  const bool brackets = absl::StrContains(host, ':');
  return absl::StrCat(brackets ? "[" : "", host, brackets ? "]:" : ":", port);
}

absl::StatusOr<ServerAddress> ParseServer(absl::string_view url, const ClientTlsOptions& tls) {
  absl::string_view rest = url;
  const bool plain = absl::ConsumePrefix(&rest, "http://");
  const bool secure = !plain && (absl::ConsumePrefix(&rest, "https://") || !tls.empty());
  absl::ConsumeSuffix(&rest, "/");
  const size_t colon = rest.rfind(':');
  if (colon == absl::string_view::npos || colon == 0 || rest.find('/') != absl::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", url, "\" is no server; name it as http://127.0.0.1:8080 or https://host:8080"));
  }
  if (plain && !tls.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(url, " is plain text, and flags of TLS are given; say https://", rest,
                     ", or leave out --tls-ca, --tls-certificate and --tls-key"));
  }
  absl::string_view host = rest.substr(0, colon);
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  ServerAddress server{
      .host = std::string(host), .port = std::string(rest.substr(colon + 1)), .tls = nullptr};
  if (secure) {
    ASSIGN_OR_RETURN(server.tls, ClientTls::Load(tls));
  }
  return server;
}

Connection::Connection(const ServerAddress& server)
    : context_(server.tls),
      server_{.host = server.host,
              .address = server.text(),
              .namesake_will_do = server.as_instance && server.tls != nullptr &&
                                  !server.tls->options().ca.empty()} {}

Connection::~Connection() {
  if (tls_ != nullptr && SSL_is_init_finished(tls_.get())) SSL_shutdown(tls_.get());
  ERR_clear_error();
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const ServerAddress& server,
                                                             const std::string& protocol) {
  std::unique_ptr<Connection> connection(new Connection(server));
  error_code error;
  asio::ip::tcp::resolver resolver(connection->io_);
  const auto endpoints = resolver.resolve(server.host, server.port, error);
  if (!error) asio::connect(connection->socket_, endpoints, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("no server answers on ", server.text(), ": ", error.message()));
  }
  if (server.tls != nullptr) {
    RETURN_IF_ERROR(connection->Handshake(protocol));
  }
  return connection;
}

absl::Status Connection::Handshake(const std::string& protocol) {
  tls_ = context_->Connect(&server_);
  if (!protocol.empty()) {
    const std::string list =
        absl::StrCat(std::string(1, static_cast<char>(protocol.size())), protocol);
    SSL_set_alpn_protos(tls_.get(), reinterpret_cast<const unsigned char*>(list.data()),
                        static_cast<unsigned>(list.size()));
  }
  error_code error;
  socket_.native_non_blocking(true, error);
  if (!error && SSL_set_fd(tls_.get(), socket_.native_handle()) != 1)
    error = ErrorOf(SSL_ERROR_SSL);
  GiveUpAt(absl::Now() + kHandshakeTimeout);
  if (!error) StepTls([this] { return SSL_connect(tls_.get()); }, error);
  GiveUpAt(absl::InfiniteFuture());
  return error ? Explain(error) : absl::OkStatus();
}

size_t Connection::StepTls(absl::FunctionRef<int()> step, error_code& error) {
  for (;;) {
    int what;
    {
      std::lock_guard lock(mutex_);
      ERR_clear_error();
      errno = 0;
      error = {};
      const int done = step();
      if (done > 0) return static_cast<size_t>(done);
      what = SSL_get_error(tls_.get(), done);
      const bool waits = what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE;
      if (!waits) {
        error = ErrorOf(what);
        return 0;
      }
    }
    error = WaitFor(what == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT);
    if (error) return 0;
  }
}

error_code Connection::WaitFor(short events) {
  for (;;) {
    int timeout_ms = -1;
    if (deadline_ != absl::InfiniteFuture()) {
      const absl::Duration left = std::max(deadline_ - absl::Now(), absl::ZeroDuration());
      timeout_ms =
          static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1))));
    }
    pollfd waited{.fd = socket_.native_handle(), .events = events, .revents = 0};
    const int ready = ::poll(&waited, 1, timeout_ms);
    if (ready > 0) return {};
    if (ready == 0) return asio::error::timed_out;
    if (errno != EINTR) return {errno, boost::system::system_category()};
  }
}

size_t Connection::Read(asio::mutable_buffer into, error_code& error) {
  error = {};
  if (into.size() == 0) return 0;
  size_t bytes = 0;
  if (tls_ != nullptr) {
    const int size = static_cast<int>(std::min(into.size(), size_t{INT_MAX}));
    bytes = StepTls([&] { return SSL_read(tls_.get(), into.data(), size); }, error);
  } else if (error = WaitFor(POLLIN); !error) {
    bytes = socket_.read_some(into, error);
    alerted_ |=
        !server_.answered && bytes > 0 && *static_cast<unsigned char*>(into.data()) == kTlsAlert;
  }
  server_.answered |= bytes > 0;
  return bytes;
}

size_t Connection::Write(asio::const_buffer from, error_code& error) {
  error = {};
  if (from.size() == 0) return 0;
  if (tls_ == nullptr) return socket_.write_some(from, error);
  const int size = static_cast<int>(std::min(from.size(), size_t{INT_MAX}));
  return StepTls([&] { return SSL_write(tls_.get(), from.data(), size); }, error);
}

void Connection::Interrupt() {
  error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
}

absl::Status Connection::Explain(const error_code& error) const {
  if (alerted_) {
    return absl::FailedPreconditionError(
        absl::StrCat(server_.address, " speaks TLS; say https://", server_.address));
  }
  if (tls_ != nullptr) {
    const bool by_tls = error.category() == asio::error::get_ssl_category();
    RETURN_IF_ERROR(context_->Explain(server_, by_tls ? static_cast<unsigned>(error.value()) : 0));
  }
  std::string why =
      absl::StrCat("the connection to ", server_.address, " broke: ", error.message());
  if (server_.asks && !server_.answered) {
    absl::StrAppend(&why, "; it asks callers for a certificate: is that of --tls-certificate ",
                    context_->options().certificate,
                    " signed by a CA of its --tls-client-ca, and is this the right port?");
  }
  return absl::UnavailableError(why);
}

}  // namespace rapport
