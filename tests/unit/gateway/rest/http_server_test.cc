#include "gateway/rest/http_server.h"

#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/match.h"
#include "rapport/accounts/v1/accounts_service.pb.h"
#include "rapport/sales/v1/sales_service.pb.h"
#include "services/runtime/base/status.h"
#include "tests/unit/gateway/rest/http_client.h"
#include "tests/unit/gateway/rest/small_handler.h"

namespace rapport::rest {
namespace {

using accounts::v1::Customer;

std::string NameIn(const Call& call) {
  const auto* field = call.request->GetDescriptor()->FindFieldByName("name");
  return field == nullptr ? "" : call.request->GetReflection()->GetString(*call.request, field);
}

// Fails by the customer's name (customers/not-found …), otherwise answers what it was asked.
Reply Answer(const Call& call) {
  static const std::map<std::string, absl::Status> kErrors = {
      {"customers/invalid", InvalidField("customer.display_name", "is required")},
      {"customers/refused", Refused("accounts.rapport", "GONE", "customers/refused", "is gone")},
      {"customers/stale", EtagMismatch("customers/stale", "7")},
      {"customers/exists", AlreadyExists("customers/exists", "is taken")},
      {"customers/missing", NotFound("customers/missing")},
      {"customers/forbidden", absl::PermissionDeniedError("needs customers.read")},
      {"customers/unknown", absl::UnauthenticatedError("who are you")},
      {"customers/busy", Overloaded("too much", absl::Milliseconds(1'200))},
      {"customers/away", Unavailable("no owner", absl::Seconds(3))},
      {"customers/slow", absl::DeadlineExceededError("too slow")},
      {"customers/internal", absl::InternalError("password is hunter2")},
      {"customers/lost", absl::DataLossError("/var/lib/rapport is broken")},
      {"customers/unfinished", absl::UnimplementedError("not installed")},
      {"customers/cancelled", absl::CancelledError("gone")},
  };
  const std::string name = NameIn(call);
  if (const auto it = kErrors.find(name); it != kErrors.end()) return {.status = it->second};
  Customer customer;
  customer.set_name(name);
  customer.set_etag("7");
  customer.set_description(call.request->ShortDebugString());
  customer.set_owner(call.metadata.actor + "|" + call.metadata.traceparent);
  return {.body = customer.SerializeAsString(),
          .consistency_token = "token of " + call.metadata.consistency_token,
          .repeat = name == "customers/again"};
}

Routes TestRoutes() {
  return *Routes::Build({google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
                             "rapport.accounts.v1.Accounts"),
                         google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
                             "rapport.sales.v1.Sales")});
}

class HttpServerTest : public testing::Test {
 protected:
  void Start(HttpServer::Options options = {}) {
    auto started = HttpServer::Start(std::move(options), TestRoutes(), &handler_);
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
  }
  int port() const { return server_->port(); }

  SmallHandler handler_{Answer};
  std::unique_ptr<HttpServer> server_;
};

struct Case {
  std::string name;
  int http;
  std::string body;  // part of it
};

TEST_F(HttpServerTest, AnswersEveryErrorOfTheTable) {
  Start();
  HttpClient client(port());
  const Case table[] = {
      {"invalid", 400, R"("status":"INVALID_ARGUMENT","message":"customer.displayName: is req)"},
      {"invalid", 400, R"("field":"customer.displayName","description":"is required")"},
      {"refused", 400, R"("reason":"GONE","domain":"accounts.rapport")"},
      {"stale", 409, R"("metadata":{"etag":"7","resource":"customers/stale"})"},
      {"exists", 409, R"("resourceName":"customers/exists")"},
      {"missing", 404, R"("code":404,"status":"NOT_FOUND")"},
      {"forbidden", 403, R"("status":"PERMISSION_DENIED")"},
      {"unknown", 401, R"("status":"UNAUTHENTICATED")"},
      {"busy", 429, R"("retryDelay":"1.200s")"},
      {"away", 503, R"("status":"UNAVAILABLE")"},
      {"slow", 504, R"("status":"DEADLINE_EXCEEDED")"},
      {"internal", 500, R"("message":"internal error; trace id 4bf92f3577b34da6a3ce929d0e0e4736")"},
      {"lost", 500, R"("details":[]})"},
      {"unfinished", 501, R"("status":"UNIMPLEMENTED")"},
      {"cancelled", 499, R"("status":"CANCELLED")"},
  };
  for (const Case& row : table) {
    const auto answer =
        client.Do("GET", "/v1/customers/" + row.name, "",
                  "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n");
    EXPECT_EQ(answer.status, row.http) << row.name;
    EXPECT_NE(answer.body.find(row.body), std::string::npos) << answer.body;
    EXPECT_EQ(answer.body.find("hunter2"), std::string::npos);
    EXPECT_EQ(answer.headers.at("content-type"), "application/json; charset=utf-8");
  }
  EXPECT_EQ(client.Do("GET", "/v1/customers/busy").headers["retry-after"], "2");
  EXPECT_EQ(client.Do("GET", "/v1/customers/away").headers["retry-after"], "3");
}

TEST_F(HttpServerTest, AnswersWhatIsWrongWithTheRequest) {
  Start();
  HttpClient client(port());
  EXPECT_EQ(client.Do("GET", "/v2/nothing").status, 404);
  const auto wrong_method = client.Do("PUT", "/v1/customers/h1", "{}");
  EXPECT_EQ(wrong_method.status, 405);
  EXPECT_EQ(wrong_method.headers.at("allow"), "DELETE, GET, HEAD, PATCH");
  EXPECT_EQ(client.Do("GET", "/v1/customers/h1?nonsense=1").status, 400);
  EXPECT_EQ(client.Do("POST", "/v1/customers", "{}", "Content-Type: text/csv\r\n").status, 415);
  EXPECT_EQ(client.Do("POST", "/v1/customers", R"({"a":1})").status, 400);
  client.Send("POST /v1/customers HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_EQ(client.Read().status, 411);
  // The connection was good through all of it.
  EXPECT_EQ(client.Do("GET", "/v1/customers/h1").status, 200);
}

TEST_F(HttpServerTest, RefusesWhatIsNotHttp) {
  Start();
  const std::string post = "POST /v1/customers HTTP/1.1\r\nHost: test\r\n";
  for (const std::string& request :
       {std::string("nonsense\r\n\r\n"), std::string("GET / HTTP/3.0\r\n\r\n"),
        // Lengths on which a proxy and we might not agree.
        post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        post + "Content-Length: -1\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"}) {
    HttpClient client(port());
    client.Send(request);
    EXPECT_EQ(client.Read().status, 400) << request;
    client.EndSending();
    EXPECT_TRUE(client.AtEnd()) << request;
  }
}

TEST_F(HttpServerTest, PassesHeadersBothWays) {
  Start();
  HttpClient client(port());
  const auto answer = client.Do("POST", "/v1/customers/again:undelete", "{}",
                                "Content-Type: application/json; charset=utf-8\r\n"
                                "Idempotency-Key: k1\r\nIf-Match: \"5\"\r\n"
                                "Rapport-Consistency-Token: t\r\nX-Rapport-Actor: users/eve\r\n"
                                "traceparent: tp\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.body.find(R"(etag: \"5\" request_id: \"k1\")"), std::string::npos)
      << answer.body;
  EXPECT_NE(answer.body.find("users/eve|tp"), std::string::npos);
  EXPECT_EQ(answer.headers.at("etag"), "\"7\"");
  EXPECT_EQ(answer.headers.at("rapport-repeat"), "true");
  EXPECT_EQ(answer.headers.at("rapport-consistency-token"), "token of t");
}

TEST_F(HttpServerTest, TakesPreconditions) {
  Start();
  HttpClient client(port());
  const auto undelete = [&](const std::string& body, const std::string& header) {
    return client.Do("POST", "/v1/customers/h1:undelete", body, header + "\r\n");
  };
  EXPECT_NE(undelete("{}", "If-Match: 5").body.find("etag: \\\"5\\\""), std::string::npos);
  EXPECT_EQ(undelete("{}", "If-Match: *").body.find("etag: "), std::string::npos);
  EXPECT_EQ(undelete("{}", "If-Match: W/\"5\"").status, 400);
  EXPECT_EQ(undelete("{}", "If-Match: \"5\", \"6\"").status, 400);
  EXPECT_EQ(undelete(R"({"etag":"4"})", "If-Match: \"5\"").status, 400);
  EXPECT_EQ(undelete(R"({"etag":"\"5\""})", "If-Match: 5").status, 200);
  EXPECT_EQ(undelete(R"({"requestId":"a"})", "Idempotency-Key: b").status, 400);
  EXPECT_EQ(undelete(R"({"requestId":"a"})", "Idempotency-Key: a").status, 200);
  EXPECT_EQ(client.Do("POST", "/v1/customers/stale:undelete", "", "If-Match: 5\r\n").status, 412);
  EXPECT_EQ(client.Do("POST", "/v1/customers", "{}", "If-Match: 5\r\n").status, 400);
  const auto update = client.Do("PATCH", "/v1/customers/h1", "{}", "If-Match: \"5\"\r\n");
  EXPECT_NE(update.body.find(R"(customer { name: \"customers/h1\" etag: \"5\" })"),
            std::string::npos)
      << update.body;
}

TEST_F(HttpServerTest, TellsItsHealth) {
  bool ready = false;
  absl::Status alive;
  Start({.ready = [&ready] { return ready; }, .alive = [&alive] { return alive; }});
  HttpClient client(port());
  EXPECT_EQ(client.Do("GET", "/healthz").body, "ok");
  alive = Unavailable("the ticker has stood still for 61 s");
  EXPECT_EQ(client.Do("GET", "/healthz").status, 503);
  EXPECT_EQ(client.Do("GET", "/healthz").body, "the ticker has stood still for 61 s");
  EXPECT_EQ(client.Do("GET", "/readyz").status, 503);
  ready = true;
  EXPECT_EQ(client.Do("GET", "/readyz").status, 200);
}

TEST_F(HttpServerTest, AnswersHeadWithoutABody) {
  Start();
  HttpClient client(port());
  const auto head = client.Do("HEAD", "/v1/customers/h1");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-length"),
            client.Do("GET", "/v1/customers/h1").headers.at("content-length"));
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  Start();
  HttpClient client(port());
  std::string requests;
  for (int i = 0; i < 100; ++i) {
    requests += HttpClient::Request("GET", absl::StrCat("/v1/customers/h", i));
    requests += HttpClient::Request("POST", absl::StrCat("/v1/customers/p", i, ":undelete"), "{}");
  }
  client.Send(requests);
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(absl::StrContains(client.Read().body, absl::StrCat("\"customers/h", i, "\"")));
    EXPECT_TRUE(absl::StrContains(client.Read().body, absl::StrCat("\"customers/p", i, "\"")));
  }
}

TEST_F(HttpServerTest, RefusesALargeBodyByItsLength) {
  Start();
  HttpClient client(port());
  const std::string megabyte(1'000'000, ' ');
  client.Send("POST /v1/customers HTTP/1.1\r\nHost: test\r\nContent-Length: 100000000\r\n\r\n");
  // Goes on sending, as clients do that do not look.
  for (int i = 0; i < 20; ++i) client.Send(megabyte);
  const auto answer = client.Read();
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.headers.at("connection"), "close");
  client.EndSending();
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(HttpServerTest, RefusesALargeChunkedBody) {
  Start({.max_body_bytes = 1000});
  HttpClient client(port());
  client.Send("POST /v1/customers HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.Send("300\r\n" + std::string(0x300, ' ') + "\r\n300\r\n" + std::string(0x300, ' '));
  EXPECT_EQ(client.Read().status, 413);
}

TEST_F(HttpServerTest, TakesChunkedBodiesAndContinues) {
  Start();
  HttpClient client(port());
  client.Send(
      "POST /v1/customers HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n"
      "Expect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.Read().status, 100);
  client.Send("10\r\n{\"displayName\": \r\n4\r\n\"X\"}\r\n0\r\n\r\n");
  EXPECT_EQ(client.Read().status, 200);
}

TEST_F(HttpServerTest, RefusesLongHeaders) {
  Start();
  HttpClient client(port());
  client.Send("GET /v1/customers HTTP/1.1\r\nHost: test\r\nX-Long: " +
              std::string(kMaxHeaderBytes, 'x') + "\r\n\r\n");
  EXPECT_EQ(client.Read().status, 431);
}

TEST_F(HttpServerTest, DoesNotWaitForSlowClients) {
  const absl::Duration soon = absl::Milliseconds(20);
  Start({.header_timeout = soon, .body_timeout = soon});
  HttpClient slow_headers(port());
  slow_headers.Send("GET /v1/cust");
  EXPECT_EQ(slow_headers.Read().status, 408);
  HttpClient slow_body(port());
  slow_body.Send("POST /v1/customers HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\n{");
  EXPECT_EQ(slow_body.Read().status, 408);
}

TEST_F(HttpServerTest, ClosesSilentConnections) {
  Start({.idle_timeout = absl::Milliseconds(20)});
  HttpClient client(port());
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(HttpServerTest, LimitsConnections) {
  Start({.max_connections = 2});
  HttpClient first(port()), second(port());
  EXPECT_EQ(first.Do("GET", "/healthz").status, 200);
  EXPECT_EQ(second.Do("GET", "/healthz").status, 200);
  HttpClient third(port());
  const auto answer = third.Read();
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.headers.at("retry-after"), "1");
  EXPECT_EQ(first.Do("GET", "/healthz").status, 200);
}

TEST_F(HttpServerTest, FinishesWhatRunsBeforeItStops) {
  Start();
  handler_.Hold();
  HttpClient idle(port()), busy(port());
  EXPECT_EQ(idle.Do("GET", "/healthz").status, 200);
  busy.Send(HttpClient::Request("GET", "/v1/customers/h1"));
  handler_.WaitForHeld(1);
  std::thread stopping([&] { server_->Shutdown(absl::InfiniteDuration()); });
  EXPECT_TRUE(idle.AtEnd());
  handler_.Release();
  const auto answer = busy.Read();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.at("connection"), "close");
  stopping.join();
  EXPECT_TRUE(busy.AtEnd());
}

// Otherwise the system takes them in, and they wait until the process ends.
TEST_F(HttpServerTest, WhoComesAfterItHasStoppedIsRefused) {
  Start();
  server_->Shutdown(absl::InfiniteDuration());
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_FALSE(Connect(socket, port()));
  ::close(socket);
}

TEST_F(HttpServerTest, OutlivedByACall) {
  Start();
  handler_.Hold();
  HttpClient client(port());
  client.Send(HttpClient::Request("GET", "/v1/customers/h1"));
  handler_.WaitForHeld(1);
  server_->Shutdown(absl::ZeroDuration());
  server_.reset();
  EXPECT_TRUE(client.AtEnd());
  handler_.Release();
}

TEST_F(HttpServerTest, ServesManyConnectionsAtOnce) {
  Start();
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([this, t] {
      HttpClient client(port());
      for (int i = 0; i < 200; ++i) {
        const std::string name = absl::StrCat("customers/c", t, "-", i);
        EXPECT_TRUE(absl::StrContains(client.Do("GET", "/v1/" + name).body, name));
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace rapport::rest
