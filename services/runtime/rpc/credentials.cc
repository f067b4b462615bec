#include "services/runtime/rpc/credentials.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"

namespace rapport {
namespace {

namespace tls_api = grpc::experimental;

std::string Text(const grpc::string_ref& text) {
  return {text.data(), text.size()};
}

// Empty where no file is named.
std::string Contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::shared_ptr<tls_api::CertificateProviderInterface> Watch(const TlsOptions& files) {
  return std::make_shared<tls_api::FileWatcherCertificateProvider>(
      files.key, files.certificate, files.client_ca,
      static_cast<unsigned>(absl::ToInt64Seconds(kRenewalPeriod)));
}

// URIs before DNS names, and those alone that count.
std::vector<std::string> NamesOf(const std::vector<grpc::string_ref>& uris,
                                 const std::vector<grpc::string_ref>& dns) {
  std::vector<std::string> names;
  for (const auto* some : {&uris, &dns}) {
    for (const grpc::string_ref& name : *some) {
      if (CountsAsName(Text(name))) names.push_back(Text(name));
    }
  }
  return names;
}

// Asked after gRPC has verified the certificate against the CAs.
class OnlyInstances : public tls_api::ExternalCertificateVerifier {
 public:
  explicit OnlyInstances(std::shared_ptr<const Tls> tls) : tls_(std::move(tls)) {}

  bool Verify(tls_api::TlsCustomVerificationCheckRequest* request,
              std::function<void(grpc::Status)>, grpc::Status* status) override {
    const absl::Status known =
        CheckInstance(NamesOf(request->uri_names(), request->dns_names()), tls_->instances());
    if (!known.ok()) {
      *status = {grpc::StatusCode::UNAUTHENTICATED,
                 absl::StrCat(Text(request->target_name()), ": ", known.message())};
    }
    return true;
  }
  void Cancel(tls_api::TlsCustomVerificationCheckRequest*) override {}

 private:
  const std::shared_ptr<const Tls> tls_;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> ServerCredentials(const Tls* tls) {
  if (tls == nullptr) return grpc::InsecureServerCredentials();
  tls_api::TlsServerCredentialsOptions options(Watch(tls->options()));
  options.watch_identity_key_cert_pairs();
  if (tls->mutual()) {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return tls_api::TlsServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> PeerCredentials(const std::shared_ptr<const Tls>& tls) {
  if (tls == nullptr) return nullptr;
  tls_api::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(Watch(tls->options()));
  options.watch_identity_key_cert_pairs();
  options.watch_root_certs();
  options.set_certificate_verifier(
      tls_api::ExternalCertificateVerifier::Create<OnlyInstances>(tls));
  options.set_check_call_host(false);
  return tls_api::TlsCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> ClientCredentials(const ClientTlsOptions& files) {
  return grpc::SslCredentials({.pem_root_certs = Contents(files.ca),
                               .pem_private_key = Contents(files.key),
                               .pem_cert_chain = Contents(files.certificate)});
}

std::vector<std::string> PeerNames(const grpc::AuthContext& connection) {
  return NamesOf(connection.FindPropertyValues("peer_uri"),
                 connection.FindPropertyValues("peer_dns"));
}

}  // namespace rapport
