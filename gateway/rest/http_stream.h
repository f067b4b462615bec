// The bytes of one connection, in plain text or over TLS. Internal to gateway/rest.
//
// One type for both, which asks once for each read and write which of them it is: what reads and
// writes is then written and compiled once. A template over the stream would make everything above
// a template too, import included; an interface would put an allocation into every operation.
//
// Threads: a stream lives on the one thread that runs its io_context.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <optional>
#include <utility>

#include "services/runtime/tls/certificate.h"

namespace rapport::rest {

// What Asio and Beast call an AsyncReadStream and an AsyncWriteStream.
class HttpStream {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using executor_type = Socket::executor_type;

  // Plain text where `tls` is null.
  HttpStream(Socket socket, OpenSslPtr<SSL> tls) : socket_(std::move(socket)) {
    if (tls != nullptr) tls_.emplace(socket_, tls.release());
  }
  HttpStream(const HttpStream&) = delete;

  executor_type get_executor() { return socket_.get_executor(); }
  Socket& socket() { return socket_; }
  bool secure() const { return tls_.has_value(); }

  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return tls_ ? tls_->async_read_some(buffers, std::forward<Token>(token))
                : socket_.async_read_some(buffers, std::forward<Token>(token));
  }
  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return tls_ ? tls_->async_write_some(buffers, std::forward<Token>(token))
                : socket_.async_write_some(buffers, std::forward<Token>(token));
  }

  // Of a secure one, before anything else.
  boost::asio::awaitable<boost::system::error_code> Handshake();
  // Says that nothing more comes, so that the other side knows that nothing was cut off, and waits
  // until that says so too, or sends something else. Nothing where it was said, or in plain text.
  boost::asio::awaitable<void> EndTls();
  // After a handshake with somebody who speaks plain text: from now on so do we.
  void GiveUpTls() { tls_.reset(); }
  // The names that the other side's certificate bears, after the handshake.
  std::vector<std::string> PeerNames();

 private:
  Socket socket_;
  std::optional<boost::asio::ssl::stream<Socket&>> tls_;
  bool ended_ = false;
};

}  // namespace rapport::rest
