#include "services/runtime/tls/tls.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/unit/runtime/tls/certificates.h"

namespace rapport {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class TlsTest : public testing::Test {
 protected:
  TlsTest() {
    folder_.Write(authority_.Issue({.names = {"DNS:one.crm"}}));
    folder_.Write("ca.pem", authority_.pem());
  }

  // The message of what Load refuses.
  static std::string Refusal(const TlsOptions& options) {
    const auto loaded = Tls::Load(options);
    EXPECT_FALSE(loaded.ok());
    return std::string(loaded.status().message());
  }

  // Whose certificate a connection shows that begins at `now`.
  static std::vector<std::string> Shown(Tls& tls, absl::Time now) {
    return NamesOf(*SSL_get_certificate(tls.Accept(now).get()));
  }

  const TestAuthority authority_;
  const TlsFolder folder_;
};

TEST_F(TlsTest, ItsOwnNamesAreAnInstances) {
  folder_.Write(
      authority_.Issue({.names = {"DNS:one.crm", "URI:spiffe://crm/one", "IP:127.0.0.1"}}));
  TlsOptions options = folder_.Options();
  options.instances = {"two.crm"};
  const auto tls = Tls::Load(options);
  ASSERT_TRUE(tls.ok()) << tls.status();
  EXPECT_THAT((*tls)->instances(), ElementsAre("one.crm", "spiffe://crm/one", "two.crm"));
  EXPECT_THAT(Shown(**tls, absl::Now()), ElementsAre("spiffe://crm/one", "one.crm"));
}

TEST_F(TlsTest, FlagsThatDoNotGoTogether) {
  TlsOptions no_key = folder_.Options();
  no_key.key.clear();
  EXPECT_THAT(Refusal(no_key), HasSubstr("both --tls-certificate and --tls-key"));
  TlsOptions ca_alone = {.client_ca = folder_.Options().client_ca};
  EXPECT_THAT(Refusal(ca_alone), HasSubstr("both --tls-certificate and --tls-key"));
  TlsOptions nobody_asks = folder_.Options();
  nobody_asks.client_ca.clear();
  nobody_asks.instances = {"two.crm"};
  EXPECT_THAT(Refusal(nobody_asks), HasSubstr("--tls-instances wants --tls-client-ca"));
  nobody_asks.instances.clear();
  nobody_asks.has_companions = true;
  EXPECT_THAT(Refusal(nobody_asks), HasSubstr("with --kafka, TLS wants --tls-client-ca"));
  nobody_asks.has_companions = false;
  EXPECT_TRUE(Tls::Load(nobody_asks).ok());
}

TEST_F(TlsTest, FilesThatAreNotThere) {
  for (const char* flag : {"--tls-certificate", "--tls-key", "--tls-client-ca"}) {
    TlsOptions options = folder_.Options();
    const std::string path = "/nowhere/" + std::string(flag + 2);
    (flag == std::string("--tls-certificate") ? options.certificate
     : flag == std::string("--tls-key")       ? options.key
                                              : options.client_ca) = path;
    EXPECT_EQ(Refusal(options),
              absl::StrCat(flag, " ", path, ": cannot be read: No such file or directory"));
  }
}

TEST_F(TlsTest, FilesOfAnotherKind) {
  const TlsOptions options = folder_.Options();
  folder_.Write("ca.pem", "no PEM at all");
  EXPECT_THAT(Refusal(options), HasSubstr("--tls-client-ca " + options.client_ca +
                                          ": holds no certificate; it wants PEM"));
  std::string cut = authority_.pem();
  cut.resize(cut.size() / 2);
  folder_.Write("ca.pem", authority_.pem() + cut);
  EXPECT_THAT(Refusal(options), HasSubstr("certificate 2 of it is broken"));
  folder_.Write("ca.pem", authority_.pem());
  folder_.Write("key.pem", authority_.pem());
  EXPECT_THAT(Refusal(options), HasSubstr("--tls-key " + options.key + ": holds no private key"));
}

TEST_F(TlsTest, AKeyWithAPasswordIsNotAskedFor) {
  folder_.Write("key.pem",
                "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
                "DEK-Info: AES-128-CBC,00000000000000000000000000000000\n\n"
                "AAAA\n-----END EC PRIVATE KEY-----\n");
  EXPECT_THAT(Refusal(folder_.Options()), HasSubstr("without a password"));
}

TEST_F(TlsTest, AKeyOfAnotherCertificate) {
  folder_.Write("key.pem", authority_.Issue({.names = {"DNS:one.crm"}}).key);
  EXPECT_THAT(Refusal(folder_.Options()), HasSubstr("is not the key of"));
}

TEST_F(TlsTest, ACertificateOutOfItsTime) {
  folder_.Write(authority_.Issue({.names = {"DNS:one.crm"}, .valid_until = -absl::Minutes(1)}));
  EXPECT_THAT(Refusal(folder_.Options()), HasSubstr("ran out on"));
  folder_.Write(authority_.Issue({.names = {"DNS:one.crm"}, .valid_from = absl::Minutes(30)}));
  EXPECT_THAT(Refusal(folder_.Options()), HasSubstr("is valid from"));
}

TEST_F(TlsTest, WhatOtherInstancesWouldNotTake) {
  TlsOptions options = folder_.Options();
  options.has_companions = true;
  EXPECT_TRUE(Tls::Load(options).ok());
  folder_.Write(authority_.Issue({.names = {"DNS:one.crm"}, .usage = "serverAuth"}));
  EXPECT_THAT(Refusal(options), HasSubstr("for clientAuth"));
  folder_.Write(authority_.Issue({.names = {"DNS:one.crm"}, .usage = "clientAuth"}));
  EXPECT_THAT(Refusal(options), HasSubstr("for serverAuth"));
  folder_.Write(TestAuthority().Issue({.names = {"DNS:one.crm"}}));
  EXPECT_THAT(Refusal(options), HasSubstr("signed by a CA of --tls-client-ca"));
  folder_.Write(authority_.Issue({.names = {"IP:127.0.0.1"}}));
  EXPECT_THAT(Refusal(options), HasSubstr("neither a URI nor a DNS name"));
  // Where there are no others, none of this is needed.
  options.has_companions = false;
  EXPECT_TRUE(Tls::Load(options).ok());
}

TEST_F(TlsTest, RenewedFilesAreTakenASecondLater) {
  auto tls = *Tls::Load(folder_.Options());
  const absl::Time now = absl::Now();
  EXPECT_THAT(Shown(*tls, now), ElementsAre("one.crm"));
  folder_.Write(authority_.Issue({.names = {"DNS:two.crm"}}));
  EXPECT_THAT(Shown(*tls, now + kRenewalPeriod / 2), ElementsAre("one.crm"));
  EXPECT_THAT(Shown(*tls, now + kRenewalPeriod), ElementsAre("two.crm"));
}

TEST_F(TlsTest, WrongRenewedFilesLeaveTheOnesBefore) {
  auto tls = *Tls::Load(folder_.Options());
  absl::Time now = absl::Now();
  const TestCertificate renewed = authority_.Issue({.names = {"DNS:two.crm"}});
  // One of the two has come yet.
  folder_.Write("key.pem", renewed.key);
  EXPECT_THAT(Shown(*tls, now), ElementsAre("one.crm"));
  folder_.Write("certificate.pem", renewed.certificate);
  EXPECT_THAT(Shown(*tls, now += kRenewalPeriod), ElementsAre("two.crm"));
}

TEST_F(TlsTest, WhoShowsNoCertificateHasNoName) {
  auto tls = *Tls::Load(folder_.Options());
  EXPECT_THAT(Tls::PeerNames(*tls->Accept()), IsEmpty());
}

}  // namespace
}  // namespace rapport
