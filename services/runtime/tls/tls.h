// TLS of this instance's listeners, and mutual TLS with callers and other instances: decision 0014.
//
//   ASSIGN_OR_RETURN(auto tls, Tls::Load({.certificate = …, .key = …, .client_ca = …}));
//   OpenSslPtr<SSL> connection = tls->Accept();   // REST; gRPC reads the same files itself
//
// Files that are renewed on disk are taken for connections that begin later, checked at most once
// a second. Files that are wrong then are logged, and the ones before stay.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/runtime/tls/caller.h"
#include "services/runtime/tls/certificate.h"

namespace rapport {

// How often renewed files are looked for, by REST and by gRPC.
inline constexpr absl::Duration kRenewalPeriod = absl::Seconds(1);

struct TlsOptions {
  // PEM files: this instance's certificate with those that lead to its CA, and its key.
  std::string certificate;
  std::string key;
  // PEM file of the CAs that callers' certificates are signed by, and those of other instances.
  // Empty: callers show none, and nobody is authenticated.
  std::string client_ca;
  // Names of other instances' certificates, beside those of this one's own.
  std::vector<std::string> instances;
  // Whether other instances are called: their way to each other goes by certificates alone.
  bool has_companions = false;

  bool empty() const {
    return certificate.empty() && key.empty() && client_ca.empty() && instances.empty();
  }
};

// Threads: all functions from any thread.
class Tls {
 public:
  // INVALID_ARGUMENT for flags that do not go together, FAILED_PRECONDITION for files that are
  // wrong; both say which and how to mend it.
  static absl::StatusOr<std::shared_ptr<Tls>> Load(TlsOptions options);

  const TlsOptions& options() const { return options_; }
  // Whether callers are asked who they are.
  bool mutual() const { return !options_.client_ca.empty(); }
  const Instances& instances() const { return instances_; }

  // The server's side of a connection that begins now; the handshake is still to be done.
  OpenSslPtr<SSL> Accept(absl::Time now = absl::Now());
  // Who is at the other end of one whose handshake is done; empty where it showed no certificate.
  static std::vector<std::string> PeerNames(const SSL& connection);

 private:
  explicit Tls(TlsOptions options) : options_(std::move(options)) {}
  std::string Fingerprint() const;
  void TakeRenewed(absl::Time now);

  const TlsOptions options_;
  Instances instances_;
  std::mutex mutex_;
  OpenSslPtr<SSL_CTX> context_;
  std::string fingerprint_;  // of the files as they were looked at last
  absl::Time looked_ = absl::InfinitePast();
};

}  // namespace rapport
