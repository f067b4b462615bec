// PEM files, and what is wrong with them. Errors name the flag that gave the file, and the mend.
// Threads: pure functions, but for what is on disk.
#pragma once

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace rapport {

struct FreeOpenSsl {
  void operator()(SSL* connection) const { SSL_free(connection); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  void operator()(X509_STORE_CTX* check) const { X509_STORE_CTX_free(check); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(BIO* file) const { BIO_free(file); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};
template <typename T>
using OpenSslPtr = std::unique_ptr<T, FreeOpenSsl>;

// A file and the flag that named it.
struct PemFile {
  const char* flag;
  std::string path;
};

// The certificates of a file, at least one.
absl::StatusOr<std::vector<OpenSslPtr<X509>>> ReadCertificates(const PemFile& file);
absl::StatusOr<OpenSslPtr<EVP_PKEY>> ReadKey(const PemFile& file);

// FAILED_PRECONDITION for a certificate that has run out or is not valid yet.
absl::Status CheckValidNow(const PemFile& file, const X509& certificate);

// What connections of `context` show: the own certificate, first in its file, and those that lead
// to its CA. Answers them; FAILED_PRECONDITION for files that are wrong or of two certificates.
absl::StatusOr<std::vector<OpenSslPtr<X509>>> Show(SSL_CTX& context, const PemFile& certificate,
                                                   const PemFile& key);
// Whom they believe: the CAs of a file, which are answered, and whoever they signed.
absl::StatusOr<std::vector<OpenSslPtr<X509>>> Trust(SSL_CTX& context, const PemFile& authorities);

// The names by which a certificate's bearer is known (caller.h).
std::vector<std::string> NamesOf(const X509& certificate);

// At which addresses its bearer may be a server: its DNS names, and its IP addresses.
std::vector<std::string> HostsOf(const X509& certificate);

// What OpenSSL says was wrong just now, on this thread.
std::string OpenSslError();

}  // namespace rapport
