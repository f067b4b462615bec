// TLS of a program that calls a server by its address, as rapportctl does. Instances call each
// other by the names in their certificates instead (tls.h).
//
//   ASSIGN_OR_RETURN(const auto tls, ClientTls::Load({.ca = …}));
//   CalledServer server{.host = "rapport.example", .address = "rapport.example:8080"};
//   OpenSslPtr<SSL> connection = tls->Connect(&server);
//
// Files are read once: the program is gone before they are renewed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/runtime/tls/certificate.h"

namespace rapport {

struct ClientTlsOptions {
  // PEM file of the CAs that sign servers' certificates; empty: those that the system knows.
  std::string ca;
  // PEM files: what is shown to servers that ask, with what leads to its CA, and its key. Both or
  // none.
  std::string certificate;
  std::string key;

  bool empty() const { return ca.empty() && certificate.empty() && key.empty(); }
};

// Who is called, and what the handshake shows of it.
struct CalledServer {
  std::string host;     // a DNS name or an IP address, which its certificate must bear
  std::string address;  // host:port, as errors say it
  // Whoever bears a name of the certificate that is shown will do instead, whatever its address.
  bool namesake_will_do = false;

  bool namesake = false;           // it did
  bool asks = false;               // for a certificate
  bool answered = false;           // anything after the handshake; set by who reads
  int refusal = X509_V_OK;         // why its certificate is not believed
  std::vector<std::string> hosts;  // that the certificate bears which was not believed
};

// Threads: all functions from any thread.
class ClientTls {
 public:
  // INVALID_ARGUMENT for a certificate without a key and the other way round, FAILED_PRECONDITION
  // for files that are wrong; both say which and how to mend it.
  static absl::StatusOr<std::shared_ptr<const ClientTls>> Load(ClientTlsOptions options);

  const ClientTlsOptions& options() const { return options_; }

  // The client's side of a connection that begins now; the handshake is still to be done.
  // `server` must outlive it.
  OpenSslPtr<SSL> Connect(CalledServer* server) const;

  // What it means that a connection failed with this error of OpenSSL's, 0 for none, and how to
  // mend it: FAILED_PRECONDITION. OK where certificates and TLS had no part in it.
  absl::Status Explain(const CalledServer& server, unsigned long error) const;

 private:
  explicit ClientTls(ClientTlsOptions options) : options_(std::move(options)) {}
  absl::Status ExplainRefusal(const CalledServer& server) const;
  absl::Status ExplainWant(const CalledServer& server) const;

  const ClientTlsOptions options_;
  OpenSslPtr<SSL_CTX> context_;
};

}  // namespace rapport
