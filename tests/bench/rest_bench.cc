// Requests a second through the whole HTTP server, over loopback, from clients in this process: a
// small resource, and a view of 40 resources. Client and server share the machine's cores.
//   build/release/bin/rest_bench
#include <benchmark/benchmark.h>

#include "gateway/rest/http_server.h"
#include "google/protobuf/descriptor.h"
#include "services/runtime/base/status.h"
#include "tests/bench/view_message.h"
#include "tests/unit/gateway/rest/http_client.h"
#include "tests/unit/gateway/rest/small_handler.h"

namespace rapport::rest {
namespace {

struct Server {
  Server() {
    const auto* pool = google::protobuf::DescriptorPool::generated_pool();
    auto routes = Routes::Build({pool->FindServiceByName("rapport.gateway.v1.Gateway"),
                                 pool->FindServiceByName("rapport.sales.v1.Sales")});
    Ensure(routes.ok(), "the services' routes fit together");
    auto started = HttpServer::Start({.threads = 1}, *std::move(routes), &handler);
    Ensure(started.ok(), "port 0 is always free");
    server = *std::move(started);
  }

  const std::string view = MakeView().SerializeAsString();
  const std::string order = MakeOrder(1).SerializeAsString();
  SmallHandler handler{[this](const Call& call) {
    return Reply{.body = call.method->name() == "GetCustomerView" ? view : order};
  }};
  std::unique_ptr<HttpServer> server;
};

void Get(benchmark::State& state, absl::string_view path) {
  static Server* const server = new Server;
  HttpClient client(server->server->port());
  const std::string request = HttpClient::Request("GET", path);
  for (auto _ : state) {
    client.Send(request);
    benchmark::DoNotOptimize(client.Read().status);
  }
  state.SetItemsProcessed(state.iterations());
}

void BM_GetOrder(benchmark::State& state) {
  Get(state, "/v1/customers/c1/orders/o1");
}
BENCHMARK(BM_GetOrder)->Threads(8)->UseRealTime();

void BM_GetCustomerView(benchmark::State& state) {
  Get(state, "/v1/customers/c1/view");
}
BENCHMARK(BM_GetCustomerView)->Threads(8)->UseRealTime();

}  // namespace
}  // namespace rapport::rest
