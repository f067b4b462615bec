#include "tools/rapportctl/grpc_server.h"

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/runtime/base/status.h"
#include "services/runtime/rpc/credentials.h"

namespace rapport {
namespace {

namespace asio = boost::asio;

constexpr absl::Duration kAnswerTimeout = absl::Seconds(10);
// A client's first words in HTTP/2, and settings of which it has none (RFC 9113, 3.4). A server's
// first are its own settings.
constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr size_t kFrameHeaderBytes = 9;
constexpr size_t kFrameType = 3;
constexpr char kSettings = 4;

std::string FirstWords() {
  std::string words = kPreface;
  const size_t frame = words.size();
  words.resize(frame + kFrameHeaderBytes);
  words[frame + kFrameType] = kSettings;
  return words;
}

// Whether the server is known by its name, and not by its address.
absl::StatusOr<bool> Greet(const ServerAddress& server) {
  ASSIGN_OR_RETURN(const auto connection, Connection::Open(server, "h2"));
  connection->GiveUpAt(absl::Now() + kAnswerTimeout);
  boost::system::error_code error;
  // A failure to write shows as the end of the answer.
  asio::write(*connection, asio::buffer(FirstWords()), error);
  std::string answer(kFrameHeaderBytes, '\0');
  const size_t bytes = asio::read(*connection, asio::buffer(answer), error);
  if (!error && answer[kFrameType] == kSettings) return connection->to_namesake();
  if (absl::StartsWith(answer, "HTTP/1")) {
    return absl::FailedPreconditionError(
        absl::StrCat(server.text(), " speaks REST; name the port of gRPC"));
  }
  if (error) {
    const absl::Status why = connection->Explain(error);
    if (bytes > 0 || server.tls != nullptr || !absl::IsUnavailable(why)) return why;
    return absl::UnavailableError(
        absl::StrCat(why.message(), "; if it speaks TLS, say https://", server.text()));
  }
  return absl::FailedPreconditionError(absl::StrCat(server.text(), " speaks no gRPC"));
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ReachGrpc(const ServerAddress& server) {
  ASSIGN_OR_RETURN(const bool by_name, Greet(server));
  if (server.tls == nullptr) return grpc::InsecureChannelCredentials();
  const ClientTlsOptions& files = server.tls->options();
  if (!by_name) return ClientCredentials(files);
  ASSIGN_OR_RETURN(
      const auto tls,
      Tls::Load({.certificate = files.certificate, .key = files.key, .client_ca = files.ca}));
  return PeerCredentials(tls);
}

}  // namespace rapport
