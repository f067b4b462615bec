#include "services/runtime/tls/certificate.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "services/runtime/base/status.h"
#include "services/runtime/tls/caller.h"

namespace rapport {
namespace {

// More would be no list of CAs but a mistake.
constexpr size_t kMaxCertificatesInFile = 1'000;

// Answers for a person at a terminal: there is none.
int NoPassword(char*, int, int, void*) {
  return -1;
}

absl::Status Wrong(const PemFile& file, absl::string_view what) {
  return absl::FailedPreconditionError(absl::StrCat(file.flag, " ", file.path, ": ", what));
}

absl::StatusOr<OpenSslPtr<BIO>> Open(const PemFile& file) {
  errno = 0;
  OpenSslPtr<BIO> opened(BIO_new_file(file.path.c_str(), "r"));
  if (opened != nullptr) return opened;
  ERR_clear_error();
  return Wrong(file, absl::StrCat("cannot be read: ", std::strerror(errno)));
}

std::string TextOf(const ASN1_TIME* time) {
  OpenSslPtr<BIO> memory(BIO_new(BIO_s_mem()));
  ASN1_TIME_print(memory.get(), time);
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return std::string(text, static_cast<size_t>(size));
}

void AppendNames(const GENERAL_NAMES& names, int type, std::vector<std::string>* out) {
  for (int i = 0; i < sk_GENERAL_NAME_num(&names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(&names, i);
    if (name->type != type) continue;
    const ASN1_IA5STRING* text = name->d.ia5;  // of URIs and DNS names alike
    std::string value(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                      static_cast<size_t>(ASN1_STRING_length(text)));
    if (CountsAsName(value)) out->push_back(std::move(value));
  }
}

void AppendAddresses(const GENERAL_NAMES& names, std::vector<std::string>* out) {
  for (int i = 0; i < sk_GENERAL_NAME_num(&names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(&names, i);
    if (name->type != GEN_IPADD) continue;
    const ASN1_OCTET_STRING* bytes = name->d.iPAddress;
    const int size = ASN1_STRING_length(bytes);
    if (size != sizeof(in_addr) && size != sizeof(in6_addr)) continue;
    char text[INET6_ADDRSTRLEN];
    const int family = size == sizeof(in_addr) ? AF_INET : AF_INET6;
    out->push_back(inet_ntop(family, ASN1_STRING_get0_data(bytes), text, sizeof text));
  }
}

// Null where it has none.
OpenSslPtr<GENERAL_NAMES> AlternativeNames(const X509& certificate) {
  return OpenSslPtr<GENERAL_NAMES>(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
}

}  // namespace

std::string OpenSslError() {
  const unsigned long error = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(error);
  ERR_clear_error();
  return reason == nullptr ? "no reason is known" : reason;
}

absl::StatusOr<std::vector<OpenSslPtr<X509>>> ReadCertificates(const PemFile& file) {
  ASSIGN_OR_RETURN(const auto opened, Open(file));
  std::vector<OpenSslPtr<X509>> certificates;
  while (certificates.size() < kMaxCertificatesInFile) {
    X509* next = PEM_read_bio_X509_AUX(opened.get(), nullptr, NoPassword, nullptr);
    if (next == nullptr) break;
    certificates.emplace_back(next);
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string why = OpenSslError();
  if (!certificates.empty() && at_end) return certificates;
  if (at_end) return Wrong(file, "holds no certificate; it wants PEM, -----BEGIN CERTIFICATE-----");
  return Wrong(file, absl::StrCat("certificate ", certificates.size() + 1, " of it is broken: ",
                                  why, "; it wants up to ", kMaxCertificatesInFile, ", as PEM"));
}

absl::StatusOr<OpenSslPtr<EVP_PKEY>> ReadKey(const PemFile& file) {
  ASSIGN_OR_RETURN(const auto opened, Open(file));
  OpenSslPtr<EVP_PKEY> key(PEM_read_bio_PrivateKey(opened.get(), nullptr, NoPassword, nullptr));
  if (key != nullptr) return key;
  return Wrong(file, absl::StrCat("holds no private key that can be used: ", OpenSslError(),
                                  "; it wants PEM without a password, as openssl pkey writes it"));
}

absl::Status CheckValidNow(const PemFile& file, const X509& certificate) {
  const ASN1_TIME* begin = X509_get0_notBefore(&certificate);
  const ASN1_TIME* end = X509_get0_notAfter(&certificate);
  if (X509_cmp_current_time(end) < 0) {
    return Wrong(file, absl::StrCat("ran out on ", TextOf(end), "; renew it"));
  }
  if (X509_cmp_current_time(begin) > 0) {
    return Wrong(file, absl::StrCat("is valid from ", TextOf(begin), " on; is the clock right?"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<OpenSslPtr<X509>>> Show(SSL_CTX& context, const PemFile& certificate,
                                                   const PemFile& key) {
  ASSIGN_OR_RETURN(auto own, ReadCertificates(certificate));
  ASSIGN_OR_RETURN(const auto read_key, ReadKey(key));
  if (X509_check_private_key(own.front().get(), read_key.get()) != 1) {
    OpenSslError();
    return Wrong(key, absl::StrCat("is not the key of ", certificate.path,
                                   "; give the two that were issued together, the own certificate "
                                   "first"));
  }
  RETURN_IF_ERROR(CheckValidNow(certificate, *own.front()));
  bool taken = SSL_CTX_use_certificate(&context, own.front().get()) == 1 &&
               SSL_CTX_use_PrivateKey(&context, read_key.get()) == 1;
  for (size_t i = 1; taken && i < own.size(); ++i) {
    taken = SSL_CTX_add1_chain_cert(&context, own[i].get()) == 1;
  }
  if (taken) return own;
  return Wrong(certificate, absl::StrCat("cannot be used: ", OpenSslError()));
}

absl::StatusOr<std::vector<OpenSslPtr<X509>>> Trust(SSL_CTX& context, const PemFile& authorities) {
  ASSIGN_OR_RETURN(auto read, ReadCertificates(authorities));
  X509_STORE* trusted = SSL_CTX_get_cert_store(&context);
  // As gRPC does it: an intermediate CA may be named alone.
  X509_STORE_set_flags(trusted, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
  for (const auto& authority : read) X509_STORE_add_cert(trusted, authority.get());
  return read;
}

std::vector<std::string> NamesOf(const X509& certificate) {
  std::vector<std::string> found;
  const auto names = AlternativeNames(certificate);
  if (names == nullptr) return found;
  AppendNames(*names, GEN_URI, &found);
  AppendNames(*names, GEN_DNS, &found);
  return found;
}

std::vector<std::string> HostsOf(const X509& certificate) {
  std::vector<std::string> found;
  const auto names = AlternativeNames(certificate);
  if (names == nullptr) return found;
  AppendNames(*names, GEN_DNS, &found);
  AppendAddresses(*names, &found);
  return found;
}

}  // namespace rapport
