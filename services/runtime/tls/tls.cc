#include "services/runtime/tls/tls.h"

#include <sys/stat.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/runtime/base/log_line.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

constexpr char kCertificateFlag[] = "--tls-certificate";
constexpr char kKeyFlag[] = "--tls-key";
constexpr char kClientCaFlag[] = "--tls-client-ca";

// What the files hold, once all is right.
struct Loaded {
  OpenSslPtr<SSL_CTX> context;
  std::vector<std::string> names;  // of this instance
};

absl::Status CheckFlags(const TlsOptions& options) {
  if (options.certificate.empty() || options.key.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("TLS wants both ", kCertificateFlag, " and ", kKeyFlag));
  }
  if (!options.client_ca.empty()) return absl::OkStatus();
  if (!options.instances.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("--tls-instances wants ", kClientCaFlag,
                                                   ": without it nobody shows who it is"));
  }
  if (options.has_companions) {
    return absl::InvalidArgumentError(absl::StrCat("with --kafka, TLS wants ", kClientCaFlag,
                                                   ": instances know each other by certificates"));
  }
  return absl::OkStatus();
}

// Another instance takes this one's certificate as its server's and as its client's.
absl::Status CheckForCompanions(const TlsOptions& options, X509_STORE* trusted,
                                const std::vector<OpenSslPtr<X509>>& own) {
  STACK_OF(X509)* chain = sk_X509_new_null();
  for (const auto& certificate : own) sk_X509_push(chain, certificate.get());
  absl::Status status;
  for (const auto& [purpose, what] : {std::pair(X509_PURPOSE_SSL_SERVER, "serverAuth"),
                                      std::pair(X509_PURPOSE_SSL_CLIENT, "clientAuth")}) {
    const OpenSslPtr<X509_STORE_CTX> check(X509_STORE_CTX_new());
    X509_STORE_CTX_init(check.get(), trusted, own.front().get(), chain);
    X509_STORE_CTX_set_purpose(check.get(), purpose);
    if (X509_verify_cert(check.get()) == 1) continue;
    status = absl::FailedPreconditionError(absl::StrCat(
        kCertificateFlag, " ", options.certificate, ": other instances would not take it: ",
        X509_verify_cert_error_string(X509_STORE_CTX_get_error(check.get())),
        "; it wants to be signed by a CA of ", kClientCaFlag, ", for ", what));
    break;
  }
  sk_X509_free(chain);
  return status;
}

absl::Status AskForCertificates(const TlsOptions& options, SSL_CTX* context) {
  ASSIGN_OR_RETURN(const auto authorities, Trust(*context, {kClientCaFlag, options.client_ca}));
  for (const auto& authority : authorities) SSL_CTX_add_client_CA(context, authority.get());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return absl::OkStatus();
}

OpenSslPtr<SSL_CTX> NewContext() {
  OpenSslPtr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()));
  Ensure(context != nullptr, "OpenSSL has TLS");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // No connection goes on with what another one showed: a certificate that has run out ends there.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context.get(),
                      SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_num_tickets(context.get(), 0);
  return context;
}

absl::StatusOr<Loaded> Read(const TlsOptions& options) {
  Loaded loaded{.context = NewContext(), .names = {}};
  SSL_CTX* context = loaded.context.get();
  ASSIGN_OR_RETURN(const auto own, Show(*context, {kCertificateFlag, options.certificate},
                                        {kKeyFlag, options.key}));
  loaded.names = NamesOf(*own.front());
  if (options.client_ca.empty()) return loaded;
  RETURN_IF_ERROR(AskForCertificates(options, context));
  if (!options.has_companions) return loaded;
  RETURN_IF_ERROR(CheckForCompanions(options, SSL_CTX_get_cert_store(context), own));
  if (!loaded.names.empty()) return loaded;
  return absl::FailedPreconditionError(
      absl::StrCat(kCertificateFlag, " ", options.certificate,
                   ": has neither a URI nor a DNS name in its subjectAltName, by which other "
                   "instances would know this one; issue it with one"));
}

}  // namespace

absl::StatusOr<std::shared_ptr<Tls>> Tls::Load(TlsOptions options) {
  RETURN_IF_ERROR(CheckFlags(options));
  std::shared_ptr<Tls> tls(new Tls(std::move(options)));
  // Before reading: what changes meanwhile is seen at the next look.
  tls->fingerprint_ = tls->Fingerprint();
  ASSIGN_OR_RETURN(Loaded loaded, Read(tls->options_));
  tls->context_ = std::move(loaded.context);
  tls->instances_.insert(loaded.names.begin(), loaded.names.end());
  tls->instances_.insert(tls->options_.instances.begin(), tls->options_.instances.end());
  return tls;
}

std::string Tls::Fingerprint() const {
  std::string fingerprint;
  for (const auto* path : {&options_.certificate, &options_.key, &options_.client_ca}) {
    struct stat file {};
    if (path->empty() || ::stat(path->c_str(), &file) != 0) continue;
    absl::StrAppend(&fingerprint, file.st_dev, "/", file.st_ino, "/", file.st_size, "/",
                    file.st_mtim.tv_sec, ".", file.st_mtim.tv_nsec, " ");
  }
  return fingerprint;
}

void Tls::TakeRenewed(absl::Time now) {
  if (now - looked_ < kRenewalPeriod) return;
  looked_ = now;
  std::string fingerprint = Fingerprint();
  if (fingerprint == fingerprint_) return;
  fingerprint_ = std::move(fingerprint);
  absl::StatusOr<Loaded> loaded = Read(options_);
  if (!loaded.ok()) {
    return Log(Level::kError, "renewed_certificate_is_wrong",
               {{"error", loaded.status().message()}, {"meaning", "the one before is still used"}});
  }
  context_ = std::move(loaded->context);
  Log(Level::kInfo, "renewed_certificate", {{"file", options_.certificate}});
}

OpenSslPtr<SSL> Tls::Accept(absl::Time now) {
  std::lock_guard lock(mutex_);
  TakeRenewed(now);
  OpenSslPtr<SSL> connection(SSL_new(context_.get()));
  Ensure(connection != nullptr, "a connection's TLS needs some memory only");
  return connection;
}

std::vector<std::string> Tls::PeerNames(const SSL& connection) {
  const X509* certificate = SSL_get0_peer_certificate(&connection);
  return certificate == nullptr ? std::vector<std::string>() : NamesOf(*certificate);
}

}  // namespace rapport
