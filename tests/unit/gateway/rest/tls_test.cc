#include <openssl/pem.h>

#include <functional>
#include <thread>

#include "absl/time/clock.h"
#include "gateway/rest/http_server.h"
#include "gmock/gmock.h"
#include "rapport/accounts/v1/accounts_service.pb.h"
#include "tests/unit/gateway/rest/http_client.h"
#include "tests/unit/gateway/rest/small_handler.h"
#include "tests/unit/runtime/tls/certificates.h"

namespace rapport::rest {
namespace {

using testing::HasSubstr;

// So long that only a test that would fail anyway waits for it.
constexpr absl::Duration kPatience = absl::Seconds(60);

// The owner of what is answered is who asked.
Reply Answer(const Call& call) {
  accounts::v1::Customer customer;
  customer.set_owner(call.metadata.actor);
  return {.body = customer.SerializeAsString()};
}

Routes TestRoutes() {
  return *Routes::Build({google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
      "rapport.accounts.v1.Accounts")});
}

// What a client shows, if anything, and the newest version of TLS that it speaks.
struct Caller {
  TestCertificate shown;
  int newest = TLS1_3_VERSION;
};

// Believes `roots`.
OpenSslPtr<SSL> Connect(const std::string& roots, const Caller& caller) {
  const OpenSslPtr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()));
  // Also what OpenSSL itself would refuse.
  SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0");
  SSL_CTX_set_max_proto_version(context.get(), caller.newest);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  const TlsFolder folder;
  SSL_CTX_load_verify_file(context.get(), folder.Write("roots.pem", roots).c_str());
  if (!caller.shown.key.empty()) {
    folder.Write(caller.shown);
    SSL_CTX_use_certificate_chain_file(context.get(), folder.Options().certificate.c_str());
    SSL_CTX_use_PrivateKey_file(context.get(), folder.Options().key.c_str(), SSL_FILETYPE_PEM);
  }
  return OpenSslPtr<SSL>(SSL_new(context.get()));
}

class HttpTlsTest : public testing::Test {
 protected:
  HttpTlsTest() {
    folder_.Write(Certificate({"DNS:one.crm"}));
    folder_.Write("ca.pem", authority_.pem());
  }

  TestCertificate Certificate(std::vector<std::string> names) const {
    return authority_.Issue({.names = std::move(names)});
  }

  void Start(TlsOptions tls, HttpServer::Options options = {}) {
    auto loaded = Tls::Load(std::move(tls));
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    options.tls = *loaded;
    auto started = HttpServer::Start(std::move(options), TestRoutes(), &handler_);
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
  }
  // Callers show certificates; those of "two.crm" are other instances.
  void StartMutual(HttpServer::Options options = {}) {
    TlsOptions tls = folder_.Options();
    tls.instances = {"two.crm"};
    Start(std::move(tls), std::move(options));
  }

  HttpClient ClientOf(const Caller& caller) const {
    return HttpClient(server_->port(), Connect(authority_.pem(), caller));
  }
  HttpClient ClientAs(std::vector<std::string> names) const {
    return ClientOf({.shown = Certificate(std::move(names))});
  }
  // What the customer's owner is, as it is asked for.
  static std::string OwnerSeen(HttpClient& client, const std::string& headers = "") {
    return client.Do("GET", "/v1/customers/ada", "", headers).body;
  }

  SmallHandler handler_{Answer};
  const TestAuthority authority_;
  const TestAuthority other_;
  const TlsFolder folder_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpTlsTest, WhoeverSpeaksPlainTextIsToldSo) {
  StartMutual();
  HttpClient client(server_->port());
  const auto answer = client.Do("GET", "/v1/customers/ada");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("this port speaks TLS only; use https"));
  client.EndSending();
  EXPECT_TRUE(client.AtEnd());
  EXPECT_EQ(handler_.seen(), 0);
}

TEST_F(HttpTlsTest, TakesNobodyWithoutACertificate) {
  StartMutual();
  for (const int newest : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    EXPECT_EQ(ClientOf({.newest = newest}).Do("GET", "/v1/customers/ada").status, 0);
  }
  EXPECT_EQ(ClientOf({}).Do("GET", "/healthz").status, 0);
  EXPECT_EQ(handler_.seen(), 0);
}

TEST_F(HttpTlsTest, TakesNobodyOfAnotherAuthority) {
  StartMutual();
  const auto stranger = other_.Issue({.names = {"DNS:one.crm"}});
  EXPECT_EQ(ClientOf({.shown = stranger}).Do("GET", "/v1/customers/ada").status, 0);
  EXPECT_EQ(handler_.seen(), 0);
}

TEST_F(HttpTlsTest, TakesNobodyWhoseCertificateHasRunOut) {
  StartMutual();
  const auto late = authority_.Issue({.names = {"DNS:desk.crm"}, .valid_until = -absl::Minutes(1)});
  EXPECT_EQ(ClientOf({.shown = late}).Do("GET", "/v1/customers/ada").status, 0);
}

TEST_F(HttpTlsTest, SpeaksNothingOlderThanTls12) {
  StartMutual();
  const auto desk = Certificate({"DNS:desk.crm"});
  EXPECT_EQ(ClientOf({.shown = desk, .newest = TLS1_1_VERSION}).Do("GET", "/healthz").status, 0);
  EXPECT_EQ(ClientOf({.shown = desk, .newest = TLS1_2_VERSION}).Do("GET", "/healthz").status, 200);
  EXPECT_EQ(ClientOf({.shown = desk, .newest = TLS1_3_VERSION}).Do("GET", "/healthz").status, 200);
}

TEST_F(HttpTlsTest, ACertificatesNameIsTheActor) {
  StartMutual();
  HttpClient by_dns = ClientAs({"DNS:desk.crm"});
  EXPECT_THAT(OwnerSeen(by_dns), HasSubstr(R"("owner":"desk.crm")"));
  HttpClient by_uri = ClientAs({"DNS:desk.crm", "URI:spiffe://crm/desk"});
  EXPECT_THAT(OwnerSeen(by_uri), HasSubstr(R"("owner":"spiffe://crm/desk")"));
}

TEST_F(HttpTlsTest, WhatAStrangerSaysOfItsActorIsNotBelieved) {
  StartMutual();
  HttpClient client = ClientAs({"DNS:desk.crm"});
  EXPECT_THAT(OwnerSeen(client, "X-Rapport-Actor: users/ceo\r\n"), HasSubstr(R"("desk.crm")"));
}

TEST_F(HttpTlsTest, AnInstanceIsBelieved) {
  StartMutual();
  for (const char* instance : {"DNS:one.crm", "DNS:two.crm"}) {
    HttpClient client = ClientAs({instance});
    EXPECT_THAT(OwnerSeen(client, "X-Rapport-Actor: users/7\r\n"), HasSubstr(R"("users/7")"));
    // Of each request anew.
    EXPECT_THAT(OwnerSeen(client), HasSubstr(instance + 4));
  }
}

TEST_F(HttpTlsTest, ACertificateWithoutANameIsNobody) {
  StartMutual();
  HttpClient client = ClientAs({"IP:127.0.0.1"});
  const auto answer = client.Do("GET", "/v1/customers/ada");
  EXPECT_EQ(answer.status, 401);
  EXPECT_THAT(answer.body, HasSubstr("subjectAltName"));
  EXPECT_EQ(handler_.seen(), 0);
}

TEST_F(HttpTlsTest, WithoutAnAuthorityNobodyIsAsked) {
  TlsOptions options = folder_.Options();
  options.client_ca.clear();
  Start(options);
  HttpClient client = ClientOf({});
  EXPECT_THAT(OwnerSeen(client, "X-Rapport-Actor: users/7\r\n"), HasSubstr(R"("users/7")"));
}

TEST_F(HttpTlsTest, AnswersOneRequestAfterTheOther) {
  StartMutual();
  HttpClient client = ClientAs({"DNS:desk.crm"});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(client.Do("GET", "/v1/customers/ada").status, 200);
  // Several in one record of TLS.
  const std::string get = HttpClient::Request("GET", "/v1/customers/ada");
  client.Send(get + get + get);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.Read().status, 200);
  EXPECT_EQ(client.Do("GET", "/healthz", "", "Connection: close\r\n").status, 200);
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(HttpTlsTest, WhatHasComeAlreadyIsNotWaitedFor) {
  StartMutual();
  HttpClient client = ClientAs({"DNS:desk.crm"});
  const std::string get = HttpClient::Request("GET", "/v1/customers/ada");
  handler_.Hold();
  client.Send(get);
  handler_.WaitForHeld(1);
  // Two records, which are taken from the socket at once when the first call is answered.
  client.Send(get);
  client.Send(get);
  handler_.Release();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.Read().status, 200);
}

TEST_F(HttpTlsTest, LargeBodiesComeAndGo) {
  StartMutual({.max_body_bytes = 1 << 20});
  HttpClient client = ClientAs({"DNS:desk.crm"});
  const std::string body =
      absl::StrCat(R"({"displayName":")", std::string(1'000'000, 'x'), R"("})");
  EXPECT_EQ(client.Do("POST", "/v1/customers", body).status, 200);
  // What is too large is answered, though it was not read.
  const auto refused = client.Do("POST", "/v1/customers", std::string(2 << 20, 'x'));
  EXPECT_EQ(refused.status, 413);
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(HttpTlsTest, AnImportIsReadAndAnsweredAtTheSameTime) {
  StartMutual();
  constexpr int kRows = 20'000;
  std::string rows;
  for (int row = 0; row < kRows; ++row) {
    absl::StrAppend(&rows, R"({"customerId":"c)", row, R"(","customer":{"displayName":"C"}})",
                    "\n");
  }
  HttpClient client = ClientAs({"DNS:desk.crm"});
  const auto answer = client.Do("POST", "/v1/customers:import?job=tls", rows,
                                "Content-Type: application/x-ndjson\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr(absl::StrCat(R"("succeeded":)", kRows, R"(,"failed":0)")));
  EXPECT_EQ(client.Do("GET", "/healthz").status, 200);
}

TEST_F(HttpTlsTest, SilentConnectionsAreClosed) {
  StartMutual({.idle_timeout = absl::Milliseconds(100),
               .header_timeout = absl::Milliseconds(100),
               .linger_timeout = absl::Milliseconds(100)});
  HttpClient idle = ClientAs({"DNS:desk.crm"});
  EXPECT_TRUE(idle.AtEnd());
  HttpClient no_handshake(server_->port());
  EXPECT_TRUE(no_handshake.AtEnd());
  HttpClient half = ClientAs({"DNS:desk.crm"});
  half.Send("GET /v1/customers/ada HTTP/1.1\r\n");
  EXPECT_EQ(half.Read().status, 408);
}

TEST_F(HttpTlsTest, ShutdownClosesWhatIsIdle) {
  StartMutual();
  HttpClient client = ClientAs({"DNS:desk.crm"});
  EXPECT_EQ(client.Do("GET", "/healthz").status, 200);
  server_->Shutdown(absl::InfiniteDuration());
  EXPECT_EQ(server_->connections(), 0);
}

TEST_F(HttpTlsTest, TooManyConnectionsAreToldSo) {
  StartMutual({.max_connections = 1});
  HttpClient first = ClientAs({"DNS:desk.crm"});
  EXPECT_EQ(first.Do("GET", "/healthz").status, 200);
  HttpClient second = ClientAs({"DNS:desk.crm"});
  EXPECT_EQ(second.Read().status, 503);
}

TEST_F(HttpTlsTest, TakesRenewedCertificates) {
  StartMutual();
  HttpClient before = ClientAs({"DNS:desk.crm"});
  const auto believes_other = [&] {
    HttpClient client(server_->port(),
                      Connect(other_.pem(), {.shown = Certificate({"DNS:desk.crm"})}));
    return client.Do("GET", "/healthz").status == 200;
  };
  EXPECT_FALSE(believes_other());
  folder_.Write(other_.Issue({.names = {"DNS:one.crm"}}));
  const absl::Time until = absl::Now() + kPatience;
  while (!believes_other()) {
    ASSERT_LT(absl::Now(), until);
    absl::SleepFor(absl::Milliseconds(10));
  }
  // What is open goes on.
  EXPECT_EQ(before.Do("GET", "/healthz").status, 200);
}

TEST_F(HttpTlsTest, ManyAtOnce) {
  StartMutual();
  std::vector<std::thread> callers;
  std::atomic<int> answered = 0;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int connection = 0; connection < 10; ++connection) {
        HttpClient client = ClientAs({"DNS:desk.crm"});
        for (int call = 0; call < 10; ++call) {
          if (client.Do("GET", "/v1/customers/ada").status == 200) ++answered;
        }
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(answered, 400);
}

}  // namespace
}  // namespace rapport::rest
