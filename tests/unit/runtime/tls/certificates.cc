#include "tests/unit/runtime/tls/certificates.h"

#include <openssl/pem.h>
#include <openssl/rand.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_join.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

constexpr char kCommonName[] = "not looked at";

std::string TextOf(BIO* memory) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory, &text);
  return std::string(text, static_cast<size_t>(size));
}

std::string Pem(X509* certificate) {
  const OpenSslPtr<BIO> memory(BIO_new(BIO_s_mem()));
  Ensure(PEM_write_bio_X509(memory.get(), certificate) == 1, "memory takes it");
  return TextOf(memory.get());
}

std::string Pem(EVP_PKEY* key) {
  const OpenSslPtr<BIO> memory(BIO_new(BIO_s_mem()));
  Ensure(PEM_write_bio_PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
         "memory takes it");
  return TextOf(memory.get());
}

void Extend(X509* certificate, int what, const std::string& value) {
  if (value.empty()) return;
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value.c_str());
  Ensure(extension != nullptr, value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// Signed by itself where `issuer` is null.
OpenSslPtr<X509> Make(EVP_PKEY* key, const WantedCertificate& wanted, X509* issuer,
                      EVP_PKEY* issuers_key) {
  OpenSslPtr<X509> made(X509_new());
  X509_set_version(made.get(), X509_VERSION_3);
  uint32_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(made.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), absl::ToInt64Seconds(wanted.valid_from));
  X509_gmtime_adj(X509_getm_notAfter(made.get()), absl::ToInt64Seconds(wanted.valid_until));
  X509_set_pubkey(made.get(), key);
  // An authority's name is its own: two of them are two.
  X509_NAME* subject = X509_get_subject_name(made.get());
  const std::string name = issuer == nullptr ? "CA " + std::to_string(serial) : kCommonName;
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(made.get(), issuer == nullptr ? subject : X509_get_subject_name(issuer));
  Extend(made.get(), NID_basic_constraints, issuer == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
  Extend(made.get(), NID_subject_alt_name, absl::StrJoin(wanted.names, ","));
  Extend(made.get(), NID_ext_key_usage, wanted.usage);
  Ensure(X509_sign(made.get(), issuers_key, EVP_sha256()) > 0, "the key can sign");
  return made;
}

}  // namespace

TestAuthority::TestAuthority()
    : key_(EVP_EC_gen("P-256")),
      certificate_(Make(key_.get(), {.usage = ""}, nullptr, key_.get())),
      pem_(Pem(certificate_.get())) {}

TestCertificate TestAuthority::Issue(const WantedCertificate& wanted) const {
  const OpenSslPtr<EVP_PKEY> key(EVP_EC_gen("P-256"));
  const auto made = Make(key.get(), wanted, certificate_.get(), key_.get());
  return {.certificate = Pem(made.get()), .key = Pem(key.get())};
}

TlsFolder::TlsFolder() {
  std::string path = std::filesystem::temp_directory_path() / "tls-XXXXXX";
  Ensure(::mkdtemp(path.data()) != nullptr, "a folder can be made");
  path_ = path;
}

TlsFolder::~TlsFolder() {
  std::filesystem::remove_all(path_);
}

std::string TlsFolder::Write(const std::string& name, const std::string& text) const {
  const std::string path = path_ + "/" + name;
  std::ofstream(path + ".new") << text;
  std::filesystem::rename(path + ".new", path);
  return path;
}

void TlsFolder::Write(const TestCertificate& issued) const {
  Write("certificate.pem", issued.certificate);
  Write("key.pem", issued.key);
}

TlsOptions TlsFolder::Options() const {
  return {.certificate = path_ + "/certificate.pem",
          .key = path_ + "/key.pem",
          .client_ca = path_ + "/ca.pem"};
}

}  // namespace rapport
