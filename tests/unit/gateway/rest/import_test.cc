// Imports over HTTP, with the real server and a raw client.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/match.h"
#include "gateway/rest/http_server.h"
#include "gateway/rest/import_rows.h"
#include "gateway/rest/line_splitter.h"
#include "rapport/accounts/v1/accounts_service.pb.h"
#include "rapport/sales/v1/sales_service.pb.h"
#include "services/runtime/base/status.h"
#include "tests/unit/gateway/rest/http_client.h"
#include "tests/unit/gateway/rest/small_handler.h"

namespace rapport::rest {
namespace {

using sales::v1::CreateOrderRequest;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> LinesOf(const std::vector<std::string>& pieces, size_t longest) {
  std::vector<std::string> lines;
  LineSplitter splitter(longest);
  const auto drain = [&] {
    absl::string_view line;
    for (auto outcome = splitter.Next(&line); outcome != LineSplitter::kMore;
         outcome = splitter.Next(&line)) {
      lines.push_back(absl::StrCat(splitter.number(), ":",
                                   outcome == LineSplitter::kTooLong ? "(too long)" : line));
    }
  };
  for (const std::string& piece : pieces) {
    splitter.Feed(piece);
    drain();
  }
  splitter.End();
  drain();
  return lines;
}

TEST(LineSplitter, CutsWhereverThePiecesEnd) {
  EXPECT_THAT(LinesOf({"a\nb\n"}, 9), ElementsAre("1:a", "2:b"));
  EXPECT_THAT(LinesOf({"a\nb"}, 9), ElementsAre("1:a", "2:b"));
  EXPECT_THAT(LinesOf({"a", "b", "\n", "\nc\n"}, 9), ElementsAre("1:ab", "2:", "3:c"));
  EXPECT_THAT(LinesOf({"", "\n\n"}, 9), ElementsAre("1:", "2:"));
  EXPECT_THAT(LinesOf({}, 9), ElementsAre());
}

TEST(LineSplitter, SkipsWhatIsTooLong) {
  EXPECT_THAT(LinesOf({"abc\nabcd\nx\n"}, 3), ElementsAre("1:abc", "2:(too long)", "3:x"));
  EXPECT_THAT(LinesOf({"ab", "cd", "ef", "gh\nx"}, 3), ElementsAre("1:(too long)", "2:x"));
  EXPECT_THAT(LinesOf({"x\nab", "cd"}, 3), ElementsAre("1:x", "2:(too long)"));
}

Reply Answer(const Call& call) {
  const auto& request = static_cast<const CreateOrderRequest&>(*call.request);
  if (request.order_id() == "taken") {
    return {.status = AlreadyExists("customers/h1/orders/taken", "is taken")};
  }
  if (request.order_id() == "invalid") {
    return {.status = InvalidField("order.sales_point", "is too long")};
  }
  if (request.order_id() == "lost") return {.status = absl::InternalError("hunter2")};
  sales::v1::Order order;
  order.set_name(absl::StrCat(request.parent(), "/orders/", request.order_id(), "#",
                              request.request_id(), "#", call.metadata.actor));
  return {.body = order.SerializeAsString(), .repeat = request.order_id() == "again"};
}

class ImportTest : public testing::Test {
 protected:
  void Start(HttpServer::Options options = {}) {
    const auto* pool = google::protobuf::DescriptorPool::generated_pool();
    auto routes = Routes::Build({pool->FindServiceByName("rapport.accounts.v1.Accounts"),
                                 pool->FindServiceByName("rapport.sales.v1.Sales")});
    ASSERT_TRUE(routes.ok());
    auto started = HttpServer::Start(std::move(options), *std::move(routes), &handler_);
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
  }
  HttpClient::Answer Import(const std::string& target, const std::string& body,
                            const std::string& headers = "") {
    HttpClient client(server_->port());
    return client.Do("POST", target, body, headers);
  }
  std::vector<std::string> ImportLines(const std::string& target, const std::string& body) {
    return absl::StrSplit(Import(target, body).body, '\n', absl::SkipEmpty());
  }

  SmallHandler handler_{Answer};
  std::unique_ptr<HttpServer> server_;
};

constexpr char kAnyOrders[] = "/v1/customers/-/orders:import?job=j";
constexpr char kBegin[] =
    "POST /v1/customers/-/orders:import?job=j HTTP/1.1\r\nHost: test\r\n"
    "Transfer-Encoding: chunked\r\n\r\n";

std::string Row(const std::string& id) {
  return absl::StrCat(R"({"parent":"customers/h1","orderId":")", id, R"(","order":{}})", "\n");
}
std::string Chunk(const std::string& bytes) {
  return absl::StrCat(absl::Hex(bytes.size()), "\r\n", bytes, "\r\n");
}

TEST_F(ImportTest, AnswersGoodAndBadRowsInOrder) {
  Start();
  const auto answer =
      Import(kAnyOrders,
             Row("b1") + "\r\n" + Row("taken") + "{\"orderId\":\"b3\"}\n" +
                 R"({"parent":"customers/h1","order":{"lines":[{"amont":{}}]}})" + "\nnonsense\n" +
                 Row("again") + Row("invalid") + Row("lost") +
                 R"({"parent":"customers/h2","orderId":"b9","requestId":"mine"})",
             "Content-Type: application/x-ndjson\r\nX-Rapport-Actor: users/eve\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.at("content-type"), "application/x-ndjson");
  const std::vector<std::string> lines = absl::StrSplit(answer.body, '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 10u) << answer.body;
  EXPECT_EQ(lines[0], R"({"row":1,"name":"customers/h1/orders/b1#j:1#users/eve"})");
  EXPECT_THAT(lines[1], HasSubstr(R"({"row":3,"error":{"code":409,"status":"ALREADY_EXISTS",)"));
  EXPECT_THAT(lines[2], HasSubstr(R"({"row":4,"error":{"code":400,)"));
  EXPECT_THAT(lines[2], HasSubstr("parent: is required: the path says -"));
  EXPECT_THAT(lines[3], HasSubstr("order.lines[0].amont: unknown field; did you mean amount"));
  EXPECT_THAT(lines[4], HasSubstr("body: expected an object at byte 0"));
  EXPECT_EQ(lines[5],
            R"({"row":7,"name":"customers/h1/orders/again#j:7#users/eve","repeat":true})");
  EXPECT_THAT(lines[6], HasSubstr(R"("message":"order.salesPoint: is too long")"));
  EXPECT_THAT(lines[7], HasSubstr("internal error; trace id "));
  EXPECT_EQ(lines[8], R"({"row":10,"name":"customers/h2/orders/b9#mine#users/eve"})");
  EXPECT_EQ(lines[9], R"({"job":"j","rows":9,"succeeded":3,"failed":6})");
}

TEST_F(ImportTest, TakesTheParentFromThePath) {
  Start();
  EXPECT_THAT(
      ImportLines("/v1/customers/h7/orders:import?job=j&firstRow=5",
                  "{\"orderId\":\"b1\"}\n{\"orderId\":\"b2\",\"parent\":\"customers/h8\"}\n"),
      ElementsAre(R"({"row":5,"name":"customers/h7/orders/b1#j:5#"})",
                  HasSubstr("parent: is not what the path says, customers/h7"),
                  R"({"job":"j","rows":2,"succeeded":1,"failed":1})"));
}

TEST_F(ImportTest, RefusesWhatIsNoImport) {
  Start();
  const std::string rows = Row("b1");
  EXPECT_EQ(Import("/v1/customers/-/orders:import", rows).status, 400);
  EXPECT_EQ(Import("/v1/customers/-/orders:import?job=a%20b", rows).status, 400);
  EXPECT_EQ(Import("/v1/customers/-/orders:import?job=j&x=1", rows).status, 400);
  EXPECT_EQ(Import("/v1/customers/-/orders:import?job=j&firstRow=0", rows).status, 400);
  EXPECT_EQ(Import("/v1/customers/-/nothing:import?job=j", rows).status, 404);
  EXPECT_EQ(Import("/v1/customers/h1:import?job=j", rows).status, 404);
  EXPECT_EQ(Import(kAnyOrders, rows, "Content-Type: application/json\r\n").status, 415);
  HttpClient client(server_->port());
  EXPECT_EQ(client.Do("GET", kAnyOrders).status, 405);
  client.Send("POST /v1/customers/-/orders:import?job=j HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_EQ(client.Read().status, 411);
}

TEST_F(ImportTest, SkipsARowThatIsTooLong) {
  Start();
  const auto lines =
      ImportLines(kAnyOrders, Row("b1") + std::string(2 * kMaxRowBytes, 'x') + "\n" + Row("b3"));
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_THAT(lines[1], HasSubstr("the row is longer than 1048576 bytes"));
  EXPECT_THAT(lines[2], HasSubstr(R"({"row":3,"name")"));
}

TEST_F(ImportTest, AnswersWhileRowsStillCome) {
  Start();
  HttpClient client(server_->port());
  client.Send(kBegin);
  const std::string row = Row("b1");
  client.Send(Chunk(row.substr(0, 10)));
  client.Send(Chunk(row.substr(10)));
  EXPECT_EQ(client.Line(), "HTTP/1.1 200 OK");
  while (!client.Line().empty()) {
  }
  EXPECT_THAT(client.Chunk(), HasSubstr(R"({"row":1,"name")"));
  client.Send(Chunk(Row("b2")));
  EXPECT_THAT(client.Chunk(), HasSubstr(R"({"row":2,"name")"));
  client.Send("0\r\n\r\n");
  EXPECT_EQ(client.Chunk(), "{\"job\":\"j\",\"rows\":2,\"succeeded\":2,\"failed\":0}\n");
  EXPECT_EQ(client.Chunk(), "");
  // The connection is as good as before.
  EXPECT_EQ(client.Do("GET", "/healthz").status, 200);
}

TEST_F(ImportTest, KeepsNoMoreThanItsWindow) {
  Start();
  handler_.Hold();
  HttpClient client(server_->port());
  client.Send(kBegin);
  std::string rows;
  for (size_t i = 0; i < 3 * kImportWindowRows; ++i) rows += Row(absl::StrCat("b", i));
  client.Send(Chunk(rows));
  handler_.WaitForHeld(kImportWindowRows);
  // Another request on the same io threads is served meanwhile, and nothing more was taken.
  for (int i = 0; i < 4; ++i) {
    HttpClient other(server_->port());
    EXPECT_EQ(other.Do("GET", "/healthz").status, 200);
  }
  EXPECT_EQ(handler_.held(), kImportWindowRows);
  handler_.Release();
  client.Send("0\r\n\r\n");
  const auto answer = client.Read();
  EXPECT_TRUE(absl::EndsWith(answer.body, R"("rows":1536,"succeeded":1536,"failed":0})"
                                          "\n"));
}

TEST_F(ImportTest, TakesAnySize) {
  Start();
  constexpr int kRows = 200'000;
  HttpClient client(server_->port());
  client.Send(kBegin);
  // A client that reads only when all is sent.
  std::string rows;
  for (int i = 0; i < kRows; ++i) {
    rows += Row(absl::StrCat("b", i));
    if (rows.size() < 100'000) continue;
    ASSERT_TRUE(client.Send(Chunk(rows)));
    rows.clear();
  }
  ASSERT_TRUE(client.Send((rows.empty() ? "" : Chunk(rows)) + "0\r\n\r\n"));
  const auto answer = client.Read();
  EXPECT_TRUE(absl::EndsWith(answer.body, "\"rows\":200000,\"succeeded\":200000,\"failed\":0}\n"));
}

TEST_F(ImportTest, TriesAgainWhenAServiceIsAway) {
  std::atomic<int> calls = 0;
  SmallHandler away([&calls](const Call& call) {
    if (++calls % 3 != 0) return Reply{.status = Unavailable("away", absl::ZeroDuration())};
    return Answer(call);
  });
  auto routes =
      Routes::Build({google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
          "rapport.sales.v1.Sales")});
  auto server = HttpServer::Start({}, *std::move(routes), &away);
  ASSERT_TRUE(server.ok());
  HttpClient client((*server)->port());
  const auto answer = client.Do("POST", kAnyOrders, Row("b1") + Row("b2"));
  EXPECT_THAT(answer.body, HasSubstr(R"("succeeded":2,"failed":0)"));
}

TEST_F(ImportTest, EndsHalfAnImportWithoutAnEnd) {
  Start();
  HttpClient client(server_->port());
  client.Send(kBegin + Chunk(Row("b1")) + "nonsense\r\n");
  EXPECT_EQ(client.Line(), "HTTP/1.1 200 OK");
  while (!client.Line().empty()) {
  }
  EXPECT_THAT(client.Chunk(), HasSubstr(R"({"row":1,"name")"));
  EXPECT_TRUE(client.AtEnd()) << "no counts, no last chunk";
}

TEST_F(ImportTest, DoesNotWaitForSlowClients) {
  Start({.body_timeout = absl::Milliseconds(20)});
  HttpClient client(server_->port());
  client.Send(kBegin + Chunk(Row("b1")));
  EXPECT_EQ(client.Line(), "HTTP/1.1 200 OK");
  while (!client.Line().empty()) {
  }
  EXPECT_THAT(client.Chunk(), HasSubstr(R"({"row":1,"name")"));
  EXPECT_EQ(client.Chunk(), "");
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(ImportTest, SurvivesClientsThatLeave) {
  Start();
  handler_.Hold();
  {
    HttpClient client(server_->port());
    client.Send(kBegin + Chunk(Row("b1") + Row("b2")));
    handler_.WaitForHeld(2);
  }
  handler_.Release();
  EXPECT_THAT(Import(kAnyOrders, Row("b1")).body, HasSubstr("\"succeeded\":1"));
}

TEST_F(ImportTest, LimitsImportsAtOnce) {
  Start();
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < kMaxImports; ++i) {
    clients.push_back(std::make_unique<HttpClient>(server_->port()));
    clients.back()->Send(kBegin);
    EXPECT_EQ(clients.back()->Line(), "HTTP/1.1 200 OK");
  }
  const auto answer = Import(kAnyOrders, Row("b1"));
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.headers.at("retry-after"), "5");
}

TEST_F(ImportTest, OutlivedByItsCalls) {
  Start();
  handler_.Hold();
  HttpClient client(server_->port());
  client.Send(kBegin + Chunk(Row("b1")));
  handler_.WaitForHeld(1);
  server_->Shutdown(absl::ZeroDuration());
  server_.reset();
  handler_.Release();
}

TEST_F(ImportTest, FinishesBeforeTheServerStops) {
  Start();
  handler_.Hold();
  HttpClient client(server_->port());
  client.Send(kBegin + Chunk(Row("b1")) + "0\r\n\r\n");
  handler_.WaitForHeld(1);
  std::thread stopping([&] { server_->Shutdown(absl::InfiniteDuration()); });
  handler_.Release();
  EXPECT_THAT(client.Read().body, HasSubstr(R"("succeeded":1)"));
  stopping.join();
}

}  // namespace
}  // namespace rapport::rest
