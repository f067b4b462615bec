// Certificates for tests, made on the spot: authorities, and what they sign.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "services/runtime/tls/tls.h"

namespace rapport {

struct WantedCertificate {
  // As OpenSSL writes them: "URI:spiffe://crm/desk", "DNS:desk.example", "IP:127.0.0.1".
  std::vector<std::string> names;
  absl::Duration valid_from = -absl::Hours(1);  // from now
  absl::Duration valid_until = absl::Hours(1);
  std::string usage = "serverAuth,clientAuth";
};

// Of one bearer, as PEM.
struct TestCertificate {
  std::string certificate;
  std::string key;
};

class TestAuthority {
 public:
  TestAuthority();
  TestCertificate Issue(const WantedCertificate& wanted) const;
  // Its own certificate, as PEM.
  const std::string& pem() const { return pem_; }

 private:
  OpenSslPtr<EVP_PKEY> key_;
  OpenSslPtr<X509> certificate_;
  std::string pem_;
};

// A folder with what the flags name, gone at the end.
class TlsFolder {
 public:
  TlsFolder();
  ~TlsFolder();

  // Writes a file whole, as renewals do it.
  std::string Write(const std::string& name, const std::string& text) const;
  void Write(const TestCertificate& issued) const;
  // certificate.pem and key.pem as Write puts them, and ca.pem.
  TlsOptions Options() const;

 private:
  std::string path_;
};

}  // namespace rapport
