// A connection to a running server, in plain text or over TLS: blocking, and whole messages are
// Beast's and Asio's work, for which it is a SyncReadStream and a SyncWriteStream.
//
// Writing to a server that has gone raises SIGPIPE over TLS; whoever uses this ignores it.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/system_error.hpp>
#include <memory>
#include <mutex>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/runtime/tls/client_tls.h"

namespace rapport {

struct ServerAddress {
  std::string host;
  std::string port;
  std::shared_ptr<const ClientTls> tls;  // null: plain text
  // Who calls is an instance itself, and takes who bears its own name by any address (decision
  // 0014); it wants --tls-ca.
  bool as_instance = false;

  // host:port, [::1]:port
  std::string text() const;
};

// "https://rapport.example:8080", "http://127.0.0.1:8080", or without a scheme: TLS where there are
// flags of it. Fails as ClientTls::Load, and INVALID_ARGUMENT for flags of TLS with http://.
absl::StatusOr<ServerAddress> ParseServer(absl::string_view url, const ClientTlsOptions& tls = {});

// Threads: one may read while another one writes; Interrupt may be called from any.
class Connection {
 public:
  using error_code = boost::system::error_code;

  // UNAVAILABLE where nobody listens, otherwise as Explain. `protocol` is what ALPN asks for;
  // empty: nothing.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const ServerAddress& server,
                                                          const std::string& protocol = "");
  // Says that nothing more comes, over TLS.
  ~Connection();

  template <typename Buffers>
  size_t read_some(const Buffers& buffers, error_code& error) {
    return Read(FirstOf<boost::asio::mutable_buffer>(buffers), error);
  }
  template <typename Buffers>
  size_t write_some(const Buffers& buffers, error_code& error) {
    return Write(FirstOf<boost::asio::const_buffer>(buffers), error);
  }
  // Beast wants to see these, and calls the others.
  template <typename Buffers>
  size_t read_some(const Buffers& buffers) {
    return Checked([&](error_code& error) { return read_some(buffers, error); });
  }
  template <typename Buffers>
  size_t write_some(const Buffers& buffers) {
    return Checked([&](error_code& error) { return write_some(buffers, error); });
  }

  // What is read or written from then on fails.
  void GiveUpAt(absl::Time deadline) { deadline_ = deadline; }
  // Whoever reads or writes finds the connection at its end.
  void Interrupt();

  // Whether its certificate bears the name of the one that was shown, and not the address.
  bool to_namesake() const { return server_.namesake; }

  // What it means that reading failed, and how to mend it: FAILED_PRECONDITION where trying again
  // helps nothing, otherwise UNAVAILABLE.
  absl::Status Explain(const error_code& error) const;

 private:
  explicit Connection(const ServerAddress& server);
  absl::Status Handshake(const std::string& protocol);
  size_t Read(boost::asio::mutable_buffer into, error_code& error);
  size_t Write(boost::asio::const_buffer from, error_code& error);
  size_t StepTls(absl::FunctionRef<int()> step, error_code& error);
  error_code WaitFor(short events);

  // The first that holds anything; an empty one where none does.
  template <typename Buffer, typename Buffers>
  static Buffer FirstOf(const Buffers& buffers) {
    const auto end = boost::asio::buffer_sequence_end(buffers);
    for (auto it = boost::asio::buffer_sequence_begin(buffers); it != end; ++it) {
      if (const Buffer buffer(*it); buffer.size() > 0) return buffer;
    }
    return {};
  }
  template <typename Step>
  static size_t Checked(const Step& step) {
    error_code error;
    const size_t bytes = step(error);
    if (error) throw boost::system::system_error(error);
    return bytes;
  }

  const std::shared_ptr<const ClientTls> context_;
  CalledServer server_;
  bool alerted_ = false;  // it spoke TLS, to plain text
  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_{io_};
  absl::Time deadline_ = absl::InfiniteFuture();
  // OpenSSL's connection is for one thread at a time, and is never waited for with the mutex held.
  std::mutex mutex_;
  OpenSslPtr<SSL> tls_;  // null: plain text
};

}  // namespace rapport
