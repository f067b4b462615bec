#include <grpcpp/security/credentials.h>

#include <functional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "services/runtime/rpc/credentials.h"
#include "services/runtime/rpc/wire.h"
#include "tests/unit/runtime/rpc/fixture.h"
#include "tests/unit/runtime/tls/certificates.h"

namespace rapport {
namespace {

using testing::HasSubstr;

constexpr char kName[] = "customers/ada/cases/1";
// So long that only a test that would fail anyway waits for it.
constexpr absl::Duration kPatience = absl::Seconds(60);

void WaitUntil(const std::function<bool()>& holds) {
  const absl::Time until = absl::Now() + kPatience;
  while (!holds()) {
    ASSERT_LT(absl::Now(), until) << "never came";
    absl::SleepFor(absl::Milliseconds(10));
  }
}

// Shows a certificate, if there is one, and believes an authority, as stock clients do.
std::shared_ptr<grpc::ChannelCredentials> Stock(const std::string& roots,
                                                const TestCertificate& shown = {}) {
  return grpc::SslCredentials(
      {.pem_root_certs = roots, .pem_private_key = shown.key, .pem_cert_chain = shown.certificate});
}

class TlsRpcTest : public RpcTest {
 protected:
  TlsRpcTest() {
    folder_.Write(Certificate({"DNS:one.crm", "IP:127.0.0.1"}));
    folder_.Write("ca.pem", authority_.pem());
  }

  TestCertificate Certificate(std::vector<std::string> names) const {
    return authority_.Issue({.names = std::move(names)});
  }

  void StartTls(TlsOptions options) {
    auto tls = Tls::Load(std::move(options));
    ASSERT_TRUE(tls.ok()) << tls.status();
    ServerOptions server = Options();
    server.tls = *tls;
    StartServer(std::move(server));
  }
  // Callers show certificates; those of "two.crm" are other instances.
  void StartMutual() {
    TlsOptions options = folder_.Options();
    options.instances = {"two.crm"};
    StartTls(std::move(options));
  }

  Reply AskBy(std::shared_ptr<grpc::ChannelCredentials> credentials, CallMetadata metadata = {}) {
    client_ = std::make_unique<GrpcClient>(absl::StrCat("127.0.0.1:", server_->port()),
                                           std::move(credentials));
    CallPtr call = GetCase(kName);
    call->metadata = std::move(metadata);
    return Ask(std::move(call));
  }
  // By somebody whose certificate the server's authority signed.
  Reply AskAs(std::vector<std::string> names, CallMetadata metadata = {}) {
    return AskBy(Stock(authority_.pem(), Certificate(std::move(names))), std::move(metadata));
  }
  std::string Actor() { return handler_.last_metadata().actor; }

  const TestAuthority authority_;
  const TestAuthority other_;
  const TlsFolder folder_;
};

TEST_F(TlsRpcTest, TakesNoPlainText) {
  StartMutual();
  EXPECT_EQ(AskBy(nullptr).status.code(), absl::StatusCode::kUnavailable);
}

TEST_F(TlsRpcTest, TakesNobodyWithoutACertificate) {
  StartMutual();
  EXPECT_EQ(AskBy(Stock(authority_.pem())).status.code(), absl::StatusCode::kUnavailable);
}

TEST_F(TlsRpcTest, TakesNobodyOfAnotherAuthority) {
  StartMutual();
  const auto stranger = other_.Issue({.names = {"DNS:one.crm"}});
  EXPECT_EQ(AskBy(Stock(authority_.pem(), stranger)).status.code(), absl::StatusCode::kUnavailable);
}

TEST_F(TlsRpcTest, TakesNobodyWhoseCertificateHasRunOut) {
  StartMutual();
  const auto late = authority_.Issue({.names = {"DNS:desk.crm"}, .valid_until = -absl::Minutes(1)});
  EXPECT_EQ(AskBy(Stock(authority_.pem(), late)).status.code(), absl::StatusCode::kUnavailable);
}

TEST_F(TlsRpcTest, ACertificatesNameIsTheActor) {
  StartMutual();
  ASSERT_TRUE(AskAs({"DNS:desk.crm"}).status.ok());
  EXPECT_EQ(Actor(), "desk.crm");
  ASSERT_TRUE(AskAs({"DNS:desk.crm", "URI:spiffe://crm/desk"}).status.ok());
  EXPECT_EQ(Actor(), "spiffe://crm/desk");
}

TEST_F(TlsRpcTest, WhatAStrangerSaysOfItsActorIsNotBelieved) {
  StartMutual();
  ASSERT_TRUE(AskAs({"DNS:desk.crm"}, {.actor = "users/ceo"}).status.ok());
  EXPECT_EQ(Actor(), "desk.crm");
}

TEST_F(TlsRpcTest, ACertificateWithoutANameIsNobody) {
  StartMutual();
  const Reply reply = AskAs({"IP:127.0.0.1", "email:ceo@crm.example"});
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(reply.status.message()), HasSubstr("subjectAltName"));
}

TEST_F(TlsRpcTest, InstancesAreBelieved) {
  StartMutual();
  for (const char* instance : {"DNS:one.crm", "DNS:two.crm"}) {
    ASSERT_TRUE(AskAs({instance}, {.actor = "users/7", .routed = true}).status.ok());
    EXPECT_EQ(Actor(), "users/7");
    EXPECT_TRUE(handler_.last_metadata().routed);
  }
}

TEST_F(TlsRpcTest, AStrangerPassesNothingOn) {
  StartMutual();
  const Reply reply = AskAs({"DNS:three.crm"}, {.actor = "users/7", .routed = true});
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(reply.status.message()), HasSubstr("three.crm"));
  EXPECT_THAT(std::string(reply.status.message()), HasSubstr("--tls-instances"));
}

TEST_F(TlsRpcTest, WhatIsForInstancesIsForThemOnly) {
  ServerOptions options = Options();
  options.for_instances = options.services;
  options.tls = *Tls::Load(folder_.Options());
  StartServer(std::move(options));
  EXPECT_TRUE(AskAs({"DNS:one.crm"}).status.ok());
  EXPECT_EQ(AskAs({"DNS:desk.crm"}).status.code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(TlsRpcTest, WithoutAnAuthorityNobodyIsAsked) {
  TlsOptions options = folder_.Options();
  options.client_ca.clear();
  StartTls(std::move(options));
  EXPECT_EQ(AskBy(nullptr).status.code(), absl::StatusCode::kUnavailable);
  ASSERT_TRUE(AskBy(Stock(authority_.pem()), {.actor = "users/7", .routed = true}).status.ok());
  EXPECT_EQ(Actor(), "users/7");
}

// This instance is "one.crm", which is at both ends here.
class PeersTest : public TlsRpcTest {
 protected:
  // As an instance with these files calls another one.
  static std::shared_ptr<grpc::ChannelCredentials> Peer(const TlsFolder& folder) {
    return PeerCredentials(*Tls::Load(folder.Options()));
  }
};

TEST_F(PeersTest, CallEachOtherByWhicheverAddress) {
  folder_.Write(Certificate({"DNS:one.crm"}));  // nothing of 127.0.0.1
  StartMutual();
  ASSERT_TRUE(AskBy(Peer(folder_), {.actor = "users/7", .routed = true}).status.ok());
  EXPECT_EQ(Actor(), "users/7");
}

TEST_F(PeersTest, WhoeverIsNoInstanceIsNotCalled) {
  StartMutual();
  TlsFolder another;
  another.Write(Certificate({"DNS:three.crm"}));
  another.Write("ca.pem", authority_.pem());
  const Reply reply = AskBy(Peer(another));
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(reply.status.message()), HasSubstr("one.crm is not known as one"));
}

TEST_F(PeersTest, WhoeverIsOfAnotherAuthorityIsNotCalled) {
  StartMutual();
  TlsFolder another;
  another.Write(Certificate({"DNS:one.crm"}));
  another.Write("ca.pem", other_.pem());
  EXPECT_EQ(AskBy(Peer(another)).status.code(), absl::StatusCode::kUnavailable);
}

TEST_F(PeersTest, TakeRenewedCertificates) {
  StartMutual();
  const auto desk = Certificate({"DNS:desk.crm"});
  EXPECT_FALSE(AskBy(Stock(other_.pem(), desk)).status.ok());
  TlsFolder another;
  another.Write(other_.Issue({.names = {"DNS:one.crm"}}));
  another.Write("ca.pem", other_.pem() + authority_.pem());
  const auto peer = Peer(another);
  EXPECT_FALSE(AskBy(peer).status.ok());

  // Both authorities at first, as it is done where one takes another's place.
  folder_.Write("ca.pem", authority_.pem() + other_.pem());
  folder_.Write(other_.Issue({.names = {"DNS:one.crm", "IP:127.0.0.1"}}));
  WaitUntil([&] { return AskBy(Stock(other_.pem(), desk)).status.ok(); });
  WaitUntil([&] { return AskBy(peer).status.ok(); });
}

TEST_F(PeersTest, AWrongRenewalEndsWhenItIsMended) {
  StartMutual();
  const auto desk = Certificate({"DNS:desk.crm"});
  const auto asked = [&] { return AskBy(Stock(authority_.pem(), desk)).status.ok(); };
  EXPECT_TRUE(asked());
  const auto renewed = Certificate({"DNS:one.crm", "IP:127.0.0.1"});
  folder_.Write("key.pem", renewed.key);
  WaitUntil([&] { return !asked(); });
  folder_.Write(renewed);
  WaitUntil(asked);
}

class RefusedSession : public StreamSession {
 public:
  void OnMessage(std::unique_ptr<google::protobuf::Message>) override {}
  void OnHalfClose() override { stream->Finish(absl::OkStatus()); }
  void OnCancel() override { stream->Finish(absl::OkStatus()); }
  Stream* stream = nullptr;
};

class TlsStreamTest : public TlsRpcTest {
 protected:
  // Opens a stream, ends it, and says how it went; `actor_` is who it was opened by.
  grpc::Status OpenAs(std::vector<std::string> names) {
    ServerOptions options = Options();
    options.services = {FindService("rapport.gateway.v1.Gateway")};
    options.tls = *Tls::Load(folder_.Options());
    options.streams["rapport.gateway.v1.Gateway.Import"] = [this](CallMetadata metadata,
                                                                  Stream& stream) {
      actor_ = metadata.actor;
      auto session = std::make_unique<RefusedSession>();
      session->stream = &stream;
      stream.Next();
      return session;
    };
    StartServer(std::move(options));
    stub_ = std::make_unique<grpc::GenericStub>(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", server_->port()),
                            Stock(authority_.pem(), Certificate(std::move(names)))));
    BlockingStream stream(*stub_, "/rapport.gateway.v1.Gateway/Import");
    stream.HalfClose();
    EXPECT_EQ(stream.Receive(), std::nullopt);
    return stream.WaitForEnd();
  }

  std::string actor_;
};

TEST_F(TlsStreamTest, ACertificatesNameIsTheActor) {
  EXPECT_TRUE(OpenAs({"DNS:desk.crm"}).ok());
  EXPECT_EQ(actor_, "desk.crm");
}

TEST_F(TlsStreamTest, ACertificateWithoutANameIsNobody) {
  EXPECT_EQ(OpenAs({"IP:127.0.0.1"}).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(actor_, "");
}

}  // namespace
}  // namespace rapport
