#include "services/runtime/rpc/server.h"

#include <future>
#include <latch>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpc/health/v1/health.pb.h"
#include "rapport/service/v1/case.pb.h"
#include "services/runtime/base/messages.h"
#include "tests/unit/runtime/rpc/fixture.h"

namespace rapport {
namespace {

using testing::HasSubstr;

constexpr char kGetCasePath[] = "/rapport.service.v1.Service/GetCase";

TEST_F(RpcTest, AnswersAUnaryCall) {
  StartServer();
  const Reply reply = Ask("customers/ada/cases/1");
  ASSERT_TRUE(reply.status.ok()) << reply.status;
  service::v1::Case answer;
  ASSERT_TRUE(answer.ParseFromString(reply.body));
  EXPECT_EQ(answer.name(), "customers/ada/cases/1");
}

TEST_F(RpcTest, AnEmptyRequestIsAMessageToo) {
  StartServer();
  std::string response;
  EXPECT_TRUE(AskRaw(kGetCasePath, "", &response).ok());
  EXPECT_EQ(response, "");
}

TEST_F(RpcTest, CarriesMetadataBothWays) {
  StartServer();
  CallPtr call = GetCase("customers/ada/cases/repeat");
  const absl::Time deadline = absl::Now() + absl::Hours(1);
  call->metadata = {.consistency_token = std::string(4096, 't'),
                    .actor = "users/grace",
                    .traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                    .deadline = deadline};
  const Reply reply = Ask(std::move(call));
  ASSERT_TRUE(reply.status.ok()) << reply.status;
  EXPECT_EQ(reply.consistency_token, "token-of-the-answer");
  EXPECT_TRUE(reply.repeat);

  const CallMetadata seen = handler_.last_metadata();
  EXPECT_EQ(seen.consistency_token, std::string(4096, 't'));
  EXPECT_EQ(seen.actor, "users/grace");
  EXPECT_EQ(seen.traceparent, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  // gRPC sends what is left of it, rounded up.
  EXPECT_GT(seen.deadline, deadline - absl::Minutes(30));
  EXPECT_LT(seen.deadline, deadline + absl::Minutes(30));
}

TEST_F(RpcTest, WithoutMetadataThereIsNoDeadlineAndNoMark) {
  StartServer();
  EXPECT_FALSE(Ask("customers/ada/cases/1").repeat);
  EXPECT_EQ(handler_.last_metadata().deadline, absl::InfiniteFuture());
  EXPECT_EQ(handler_.last_metadata().actor, "");
}

TEST_F(RpcTest, MetadataThatGrpcCannotSendIsRefused) {
  StartServer();
  CallPtr call = GetCase("customers/ada/cases/1");
  call->metadata.actor = "users/\n";
  EXPECT_EQ(Ask(std::move(call)).status.code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(RpcTest, ErrorsKeepTheirDetails) {
  StartServer();
  const Reply reply = Ask("customers/ada/cases/refused");
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(reply.status.message(), "customers/ada/cases/refused: is closed");
  const auto detail = reply.status.GetPayload("type.googleapis.com/google.rpc.ErrorInfo");
  ASSERT_TRUE(detail.has_value());
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(info.ParseFromString(std::string(*detail)));
  EXPECT_EQ(info.reason(), "CASE_CLOSED");
}

TEST_F(RpcTest, StockClientsFindTheDetails) {
  StartServer();
  service::v1::GetCaseRequest request;
  request.set_name("customers/ada/cases/refused");
  const grpc::Status status = AskRaw(kGetCasePath, request.SerializeAsString(), nullptr);
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.code(), static_cast<int>(status.error_code()));
  EXPECT_EQ(details.details_size(), 1);
}

TEST_F(RpcTest, RefusesWhatIsNotTheMessage) {
  StartServer();
  const grpc::Status status = AskRaw(kGetCasePath, "\xff\xff\xff", nullptr);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("rapport.service.v1.GetCaseRequest"));
}

TEST_F(RpcTest, UnknownMethodsAreUnimplemented) {
  StartServer();
  EXPECT_EQ(AskRaw("/rapport.service.v1.Service/Nothing", "", nullptr).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(RpcTest, RefusesWhatIsTooLargeBothWays) {
  ServerOptions options = Options();
  options.max_message_bytes = 2000;
  StartServer(std::move(options));
  EXPECT_EQ(Ask(std::string(1900, 'x')).status.code(), absl::StatusCode::kOk);
  EXPECT_EQ(Ask(std::string(2000, 'x')).status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Ask("customers/ada/cases/large").status.code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(RpcTest, ADroppedCallIsAnswered) {
  StartServer();
  EXPECT_EQ(Ask("customers/ada/cases/dropped").status.code(), absl::StatusCode::kInternal);
}

TEST_F(RpcTest, ACancelledCallFinishesLater) {
  StartServer();
  service::v1::GetCaseRequest request;
  request.set_name("customers/ada/cases/held");
  grpc::ClientContext context;
  const std::string bytes = request.SerializeAsString();
  const grpc::Slice slice(bytes);
  const grpc::ByteBuffer outgoing(&slice, 1);
  grpc::ByteBuffer incoming;
  std::promise<grpc::Status> end;
  stub_->UnaryCall(&context, kGetCasePath, grpc::StubOptions(), &outgoing, &incoming,
                   [&end](grpc::Status status) { end.set_value(std::move(status)); });
  handler_.WaitForHeld();
  context.TryCancel();
  EXPECT_EQ(end.get_future().get().error_code(), grpc::StatusCode::CANCELLED);
  // A call after it is answered, so the server has been reading; only now does the first finish.
  EXPECT_TRUE(Ask("customers/ada/cases/1").status.ok());
  handler_.ReleaseHeld();
  EXPECT_TRUE(Ask("customers/ada/cases/1").status.ok());
}

TEST_F(RpcTest, AnswersManyCallsAtOnce) {
  StartServer();
  constexpr int kThreads = 4;
  constexpr int kCallsPerThread = 500;
  std::latch all(kThreads * kCallsPerThread);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kCallsPerThread; ++i) {
        const std::string name = absl::StrCat("customers/", t, "/cases/", i);
        CallPtr call = GetCase(name);
        call->done = [&, name](Reply reply) {
          service::v1::Case answer;
          if (!answer.ParseFromString(reply.body) || answer.name() != name) ++wrong;
          all.count_down();
        };
        client_->Handle(std::move(call));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  all.wait();
  EXPECT_EQ(wrong, 0);
}

TEST_F(RpcTest, DoesNotStartWithAMethodThatNobodyHandles) {
  ServerOptions options = Options();
  options.handles = [](const auto& method) { return method.name() != "CloseCase"; };
  GrpcServer server(std::move(options));
  const absl::Status status = server.Start();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("rapport.service.v1.Service.CloseCase (it has no handler)"));
}

TEST_F(RpcTest, DoesNotStartWithAStreamThatNobodyServes) {
  ServerOptions options = Options();
  options.services.push_back(FindService("rapport.gateway.v1.Gateway"));
  GrpcServer server(std::move(options));
  EXPECT_EQ(server.Start().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(RpcTest, DoesNotStartWithAStreamThatIsNoMethod) {
  ServerOptions options = Options();
  options.streams["rapport.gateway.v1.Gateway.Imports"] = nullptr;
  GrpcServer server(std::move(options));
  EXPECT_EQ(server.Start().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(RpcTest, DoesNotStartOnAPortThatIsTaken) {
  StartServer();
  ServerOptions options = Options();
  options.address = absl::StrCat("127.0.0.1:", server_->port());
  GrpcServer second(std::move(options));
  EXPECT_EQ(second.Start().code(), absl::StatusCode::kUnavailable);
}

TEST_F(RpcTest, ShutdownWaitsForCallsUnderWay) {
  StartServer();
  std::future<Reply> reply = AskHeld();
  std::thread shutdown([this] { server_->Shutdown(absl::InfiniteFuture()); });
  handler_.ReleaseHeld();
  shutdown.join();
  EXPECT_TRUE(reply.get().status.ok());
}

TEST_F(RpcTest, ShutdownCancelsAfterItsDeadlineAndWaitsForTheHandler) {
  StartServer();
  std::future<Reply> reply = AskHeld();
  std::thread shutdown([this] { server_->Shutdown(absl::InfinitePast()); });
  EXPECT_FALSE(reply.get().status.ok());
  handler_.ReleaseHeld();
  shutdown.join();
}

TEST_F(RpcTest, AClientWithoutAServerIsUnavailable) {
  StartServer();
  server_->Shutdown(absl::InfinitePast());
  EXPECT_EQ(Ask("customers/ada/cases/1").status.code(), absl::StatusCode::kUnavailable);
}

TEST_F(RpcTest, AClientComesBackToAServerThatWasRestarted) {
  StartServer();
  EXPECT_TRUE(Ask("customers/ada/cases/1").status.ok());
  ServerOptions options = Options();
  options.address = absl::StrCat("127.0.0.1:", server_->port());
  server_->Shutdown(absl::InfinitePast());
  GrpcServer second(std::move(options));
  ASSERT_TRUE(second.Start().ok());
  while (!Ask("customers/ada/cases/1").status.ok()) {
  }
  client_ = nullptr;
}

// What hangs there must not hold up whoever ends here.
TEST_F(RpcTest, AClientThatGoesGivesUpItsCalls) {
  StartServer();
  std::future<Reply> reply = AskHeld();
  client_ = nullptr;
  EXPECT_EQ(reply.get().status.code(), absl::StatusCode::kUnavailable);
  handler_.ReleaseHeld();
}

TEST_F(RpcTest, AClientThatGoesHasEveryCallAnswered) {
  StartServer();
  std::atomic<int> answered = 0;
  for (int i = 0; i < 100; ++i) {
    CallPtr call = GetCase("customers/ada/cases/1");
    call->done = [&answered](Reply) { ++answered; };
    client_->Handle(std::move(call));
  }
  client_ = nullptr;
  server_->Shutdown(absl::InfiniteFuture());
  EXPECT_EQ(answered, 100);
}

TEST_F(RpcTest, AClientGivesUpAtTheDeadline) {
  StartServer();
  CallPtr call = GetCase("customers/ada/cases/held");
  call->metadata.deadline = absl::InfinitePast();
  EXPECT_EQ(Ask(std::move(call)).status.code(), absl::StatusCode::kDeadlineExceeded);
  handler_.ReleaseHeld();
}

TEST_F(RpcTest, SaysThatItIsHealthy) {
  StartServer();
  for (const char* service : {"", "rapport.service.v1.Service"}) {
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(service);
    std::string bytes;
    ASSERT_TRUE(AskRaw("/grpc.health.v1.Health/Check", request.SerializeAsString(), &bytes).ok());
    grpc::health::v1::HealthCheckResponse response;
    ASSERT_TRUE(response.ParseFromString(bytes));
    EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);
  }
}

// Asks reflection one thing, in protobuf's text format since its messages have no header here.
std::string Reflect(grpc::GenericStub& stub, const std::string& question) {
  const auto New = [](const char* name) {
    const auto* type =
        google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(name);
    return NewMessage(type);
  };
  const auto request = New("grpc.reflection.v1alpha.ServerReflectionRequest");
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(question, request.get()));
  BlockingStream stream(stub, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
  stream.Send(request->SerializeAsString());
  const auto response = New("grpc.reflection.v1alpha.ServerReflectionResponse");
  EXPECT_TRUE(response->ParseFromString(stream.Receive().value_or("")));
  stream.HalfClose();
  return response->DebugString();
}

TEST_F(RpcTest, ReflectionListsAndDescribesTheServices) {
  ServerOptions options = Options();
  options.services.push_back(FindService("rapport.sales.v1.Sales"));
  StartServer(std::move(options));
  const std::string list = Reflect(*stub_, "list_services: '*'");
  for (const std::string service :
       {"rapport.service.v1.Service", "rapport.sales.v1.Sales", "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection"}) {
    EXPECT_THAT(list, HasSubstr(absl::StrCat("name: \"", service, "\"")));
    EXPECT_THAT(Reflect(*stub_, absl::StrCat("file_containing_symbol: '", service, "'")),
                HasSubstr("file_descriptor_proto"));
  }
}

}  // namespace
}  // namespace rapport
