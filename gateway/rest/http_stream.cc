#include "gateway/rest/http_stream.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "services/runtime/tls/tls.h"

namespace rapport::rest {
namespace {

namespace asio = boost::asio;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

}  // namespace

asio::awaitable<boost::system::error_code> HttpStream::Handshake() {
  const auto [error] = co_await tls_->async_handshake(asio::ssl::stream_base::server, kAwait);
  co_return error;
}

asio::awaitable<void> HttpStream::EndTls() {
  if (!tls_ || std::exchange(ended_, true)) co_return;
  co_await tls_->async_shutdown(kAwait);
}

std::vector<std::string> HttpStream::PeerNames() {
  return tls_ ? Tls::PeerNames(*tls_->native_handle()) : std::vector<std::string>();
}

}  // namespace rapport::rest
