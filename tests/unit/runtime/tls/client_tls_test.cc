#include "services/runtime/tls/client_tls.h"

#include <openssl/err.h>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "services/runtime/tls/tls.h"
#include "tests/unit/runtime/tls/certificates.h"

namespace rapport {
namespace {

using testing::HasSubstr;
using testing::Not;

// More than a handshake has.
constexpr int kMaxTurns = 20;

class ClientTlsTest : public testing::Test {
 protected:
  ClientTlsTest() {
    ServeAs({"DNS:rapport.example", "IP:127.0.0.1", "IP:::1"});
    server_.Write("ca.pem", authority_.pem());
    caller_.Write(authority_.Issue({.names = {"URI:spiffe://crm/desk"}}));
    caller_.Write("ca.pem", authority_.pem());
  }

  void ServeAs(std::vector<std::string> names) const {
    server_.Write(authority_.Issue({.names = std::move(names)}));
  }

  ClientTlsOptions Options() const {
    const TlsOptions files = caller_.Options();
    return {.ca = files.client_ca, .certificate = files.certificate, .key = files.key};
  }
  static std::string Refusal(const ClientTlsOptions& options) {
    return std::string(ClientTls::Load(options).status().message());
  }

  // Calls the server in memory and reads its first byte: what came of it.
  absl::Status Call(const std::string& host, const ClientTlsOptions& options,
                    bool namesake_will_do = false) const {
    const auto tls = *ClientTls::Load(options);
    CalledServer called{
        .host = host, .address = absl::StrCat(host, ":8080"), .namesake_will_do = namesake_will_do};
    const auto accepting = *Tls::Load(server_.Options());
    const OpenSslPtr<SSL> client = tls->Connect(&called);
    const OpenSslPtr<SSL> server = accepting->Accept();
    BIO* clients_end = nullptr;
    BIO* servers_end = nullptr;
    BIO_new_bio_pair(&clients_end, 0, &servers_end, 0);
    SSL_set_bio(client.get(), clients_end, clients_end);
    SSL_set_bio(server.get(), servers_end, servers_end);
    SSL_set_connect_state(client.get());
    SSL_set_accept_state(server.get());
    for (int turn = 0; turn < kMaxTurns; ++turn) {
      ERR_clear_error();
      char byte;
      const int bytes = SSL_read(client.get(), &byte, 1);
      if (bytes > 0) return absl::OkStatus();
      if (SSL_get_error(client.get(), bytes) != SSL_ERROR_WANT_READ) {
        const absl::Status why = tls->Explain(called, ERR_peek_error());
        return why.ok() ? absl::UnavailableError("TLS has no part in it") : why;
      }
      ERR_clear_error();
      SSL_write(server.get(), "x", 1);
    }
    return absl::UnavailableError("the handshake goes on and on");
  }
  // What is told of a call that fails for good.
  std::string Told(const std::string& host, const ClientTlsOptions& options) const {
    const absl::Status status = Call(host, options);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    return std::string(status.message());
  }

  const TestAuthority authority_;
  const TlsFolder server_;
  const TlsFolder caller_;
};

TEST_F(ClientTlsTest, TakesWhoBearsTheHost) {
  for (const char* host : {"rapport.example", "127.0.0.1", "::1"}) {
    EXPECT_TRUE(Call(host, Options()).ok()) << host << ": " << Call(host, Options());
  }
  ServeAs({"DNS:*.rapport.svc"});
  EXPECT_TRUE(Call("accounts-0.rapport.svc", Options()).ok());
}

TEST_F(ClientTlsTest, WhoBearsAnotherHostIsNotTaken) {
  EXPECT_EQ(Told("other.example", Options()),
            "the certificate of other.example:8080 does not name other.example; call it by what it "
            "names, rapport.example, 127.0.0.1, ::1, or issue it with other.example");
  EXPECT_THAT(Told("127.0.0.2", Options()), HasSubstr("does not name 127.0.0.2"));
  ServeAs({"DNS:*.rapport.svc"});
  EXPECT_THAT(Told("a.b.rapport.svc", Options()), HasSubstr("does not name a.b.rapport.svc"));
}

TEST_F(ClientTlsTest, OnlyTheSubjectAltNameCounts) {
  ServeAs({"URI:spiffe://crm/one"});
  EXPECT_THAT(Told("rapport.example", Options()), HasSubstr("names no host in its subjectAltName"));
}

TEST_F(ClientTlsTest, ANamesakeMayDoInstead) {
  ServeAs({"URI:spiffe://crm/desk"});
  EXPECT_TRUE(Call("127.0.0.1", Options(), true).ok());
  EXPECT_THAT(Told("127.0.0.1", Options()), HasSubstr("names no host"));
  EXPECT_FALSE(Call("127.0.0.1", {.ca = Options().ca}, true).ok());
  ServeAs({"URI:spiffe://crm/other"});
  EXPECT_FALSE(Call("127.0.0.1", Options(), true).ok());
  // Of another authority, a name is no proof.
  ServeAs({"URI:spiffe://crm/desk"});
  caller_.Write("ca.pem", TestAuthority().pem());
  EXPECT_THAT(Call("127.0.0.1", Options(), true).message(), HasSubstr("is signed by no CA"));
}

TEST_F(ClientTlsTest, SomeOfManyNamesAreTold) {
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back(absl::StrCat("DNS:host-", i, ".example"));
  ServeAs(names);
  const std::string told = Told("rapport.example", Options());
  EXPECT_THAT(told, HasSubstr("host-0.example, "));
  EXPECT_THAT(told, HasSubstr(", …"));
  EXPECT_THAT(told, Not(HasSubstr("host-50.example")));
}

TEST_F(ClientTlsTest, WhoIsOfAnotherAuthorityIsNotTaken) {
  caller_.Write("ca.pem", TestAuthority().pem());
  EXPECT_EQ(Told("127.0.0.1", Options()),
            absl::StrCat("the certificate of 127.0.0.1:8080 is signed by no CA of --tls-ca ",
                         Options().ca, "; name the file of the one that signed it"));
  ClientTlsOptions systems = Options();
  systems.ca.clear();
  EXPECT_THAT(Told("127.0.0.1", systems),
              HasSubstr("by no CA that this system knows; name the one with --tls-ca FILE"));
}

TEST_F(ClientTlsTest, AServerThatAsksIsShownACertificate) {
  EXPECT_EQ(Told("127.0.0.1", {.ca = Options().ca}),
            "127.0.0.1:8080 asks callers for a certificate; show one with --tls-certificate and "
            "--tls-key");
  caller_.Write(TestAuthority().Issue({.names = {"DNS:desk.crm"}}));
  EXPECT_THAT(Told("127.0.0.1", Options()),
              HasSubstr("127.0.0.1:8080 does not take the certificate of --tls-certificate " +
                        Options().certificate));
}

TEST_F(ClientTlsTest, FilesThatDoNotGoTogether) {
  ClientTlsOptions no_certificate = Options();
  no_certificate.certificate.clear();
  EXPECT_EQ(Refusal(no_certificate),
            "--tls-key wants --tls-certificate too: a certificate and its key");
  ClientTlsOptions no_key = Options();
  no_key.key.clear();
  EXPECT_EQ(Refusal(no_key), "--tls-certificate wants --tls-key too: a certificate and its key");
  caller_.Write("key.pem", TestAuthority().Issue({.names = {"DNS:desk.crm"}}).key);
  EXPECT_THAT(Refusal(Options()), HasSubstr("--tls-key " + Options().key + ": is not the key of " +
                                            Options().certificate));
}

TEST_F(ClientTlsTest, FilesThatAreNotThere) {
  EXPECT_EQ(Refusal({.ca = "/nowhere/ca"}),
            "--tls-ca /nowhere/ca: cannot be read: No such file or directory");
  ClientTlsOptions certificate = Options();
  certificate.certificate = "/nowhere/crt";
  EXPECT_EQ(Refusal(certificate),
            "--tls-certificate /nowhere/crt: cannot be read: No such file or directory");
  ClientTlsOptions key = Options();
  key.key = "/nowhere/key";
  EXPECT_EQ(Refusal(key), "--tls-key /nowhere/key: cannot be read: No such file or directory");
}

TEST_F(ClientTlsTest, ACertificateOutOfItsTimeIsNotShown) {
  caller_.Write(authority_.Issue({.names = {"DNS:desk.crm"}, .valid_until = -absl::Minutes(1)}));
  EXPECT_THAT(Refusal(Options()), HasSubstr("ran out on"));
}

}  // namespace
}  // namespace rapport
