#include "services/runtime/tls/client_tls.h"

#include <openssl/err.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/runtime/base/status.h"
#include "services/runtime/tls/caller.h"

namespace rapport {
namespace {

constexpr char kCaFlag[] = "--tls-ca";
constexpr char kCertificateFlag[] = "--tls-certificate";
constexpr char kKeyFlag[] = "--tls-key";
// A certificate of a whole house has hundreds; whoever mends an address needs a few.
constexpr size_t kMaxShownHosts = 8;

CalledServer& ServerOf(const SSL* connection) {
  return *static_cast<CalledServer*>(SSL_get_app_data(connection));
}

// Whether a certificate bears a name of the one that the connection shows.
bool AreNamesakes(const X509& certificate, const SSL* connection) {
  const X509* shown = SSL_get_certificate(connection);
  if (shown == nullptr) return false;
  const std::vector<std::string> own = NamesOf(*shown);
  return IsInstance(NamesOf(certificate), Instances(own.begin(), own.end()));
}

// OpenSSL forgets a certificate that it does not believe.
int NoteRefusal(int believed, X509_STORE_CTX* check) {
  if (believed == 1) return believed;
  const auto* connection = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx()));
  CalledServer& server = ServerOf(connection);
  const X509& certificate = *X509_STORE_CTX_get0_cert(check);
  const int why = X509_STORE_CTX_get_error(check);
  const bool elsewhere =
      why == X509_V_ERR_HOSTNAME_MISMATCH || why == X509_V_ERR_IP_ADDRESS_MISMATCH;
  if (elsewhere && server.namesake_will_do && AreNamesakes(certificate, connection)) {
    server.namesake = true;
    X509_STORE_CTX_set_error(check, X509_V_OK);
    return 1;
  }
  server.refusal = why;
  server.hosts = HostsOf(certificate);
  return believed;
}

int NoteThatItAsks(SSL* connection, void*) {
  ServerOf(connection).asks = true;
  return 1;
}

// Also sets what the certificate must bear. Names are told to servers that have several (SNI),
// addresses are not (RFC 6066).
void CallBy(const std::string& host, SSL* connection) {
  X509_VERIFY_PARAM* wanted = SSL_get0_param(connection);
  if (X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1) return;
  ERR_clear_error();
  X509_VERIFY_PARAM_set_hostflags(
      wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  Ensure(X509_VERIFY_PARAM_set1_host(wanted, host.data(), host.size()) == 1,
         "memory takes a host's name");
  SSL_set_tlsext_host_name(connection, host.c_str());
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ClientTls>> ClientTls::Load(ClientTlsOptions options) {
  if (options.certificate.empty() != options.key.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        options.key.empty() ? kCertificateFlag : kKeyFlag, " wants ",
        options.key.empty() ? kKeyFlag : kCertificateFlag, " too: a certificate and its key"));
  }
  std::shared_ptr<ClientTls> tls(new ClientTls(std::move(options)));
  tls->context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = tls->context_.get();
  Ensure(context != nullptr, "OpenSSL has TLS");
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NoteRefusal);
  SSL_CTX_set_cert_cb(context, NoteThatItAsks, nullptr);
  const ClientTlsOptions& files = tls->options_;
  if (files.ca.empty()) {
    SSL_CTX_set_default_verify_paths(context);
    ERR_clear_error();  // a system that knows no CA believes nobody, which is said then
  } else {
    RETURN_IF_ERROR(Trust(*context, {kCaFlag, files.ca}).status());
  }
  if (!files.certificate.empty()) {
    RETURN_IF_ERROR(
        Show(*context, {kCertificateFlag, files.certificate}, {kKeyFlag, files.key}).status());
  }
  return tls;
}

OpenSslPtr<SSL> ClientTls::Connect(CalledServer* server) const {
  OpenSslPtr<SSL> connection(SSL_new(context_.get()));
  Ensure(connection != nullptr, "a connection's TLS needs some memory only");
  SSL_set_app_data(connection.get(), server);
  CallBy(server->host, connection.get());
  return connection;
}

absl::Status ClientTls::Explain(const CalledServer& server, unsigned long error) const {
  const auto wrong = [](const auto&... text) {
    return absl::FailedPreconditionError(absl::StrCat(text...));
  };
  // Of a reader that had answers already the end is what it seems.
  const bool shows_none = server.asks && !server.answered && options_.certificate.empty();
  switch (ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return ExplainRefusal(server);
    case SSL_R_HTTP_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_WRONG_VERSION_NUMBER:
      return wrong(server.address, " speaks no TLS; say http://", server.address,
                   " without --tls flags, or the port that does");
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_UNSUPPORTED_PROTOCOL:
      return wrong(server.address, " speaks only TLS older than 1.2, which is not believed");
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return ExplainWant(server);
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      if (shows_none) return ExplainWant(server);
      return wrong(server.address, " does not take the certificate of ", kCertificateFlag, " ",
                   options_.certificate, ": ", ERR_reason_error_string(error),
                   "; show one that a CA of its --tls-client-ca signed");
    default:
      return shows_none ? ExplainWant(server) : absl::OkStatus();
  }
}

absl::Status ClientTls::ExplainWant(const CalledServer& server) const {
  return absl::FailedPreconditionError(
      absl::StrCat(server.address, " asks callers for a certificate; show one with ",
                   kCertificateFlag, " and ", kKeyFlag));
}

absl::Status ClientTls::ExplainRefusal(const CalledServer& server) const {
  const auto wrong = [&server](const auto&... text) {
    return absl::FailedPreconditionError(
        absl::StrCat("the certificate of ", server.address, " ", text...));
  };
  switch (server.refusal) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: {
      if (server.hosts.empty()) {
        return wrong("names no host in its subjectAltName; issue it with ", server.host);
      }
      const size_t shown = std::min(server.hosts.size(), kMaxShownHosts);
      return wrong("does not name ", server.host, "; call it by what it names, ",
                   absl::StrJoin(server.hosts.begin(), server.hosts.begin() + shown, ", "),
                   shown < server.hosts.size() ? ", …" : "", ", or issue it with ", server.host);
    }
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return wrong("ran out; renew it there");
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return wrong("is not valid yet; is the clock right, here and there?");
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      if (options_.ca.empty()) {
        return wrong("is signed by no CA that this system knows; name the one with ", kCaFlag,
                     " FILE");
      }
      return wrong("is signed by no CA of ", kCaFlag, " ", options_.ca,
                   "; name the file of the one that signed it");
    default:
      return wrong("is not believed: ", X509_verify_cert_error_string(server.refusal),
                   "; issue it for this server");
  }
}

}  // namespace rapport
