// How fast a customer view becomes JSON, beside protobuf's own, and how fast an order is read.
//   build/release/bin/json_bench
#include <benchmark/benchmark.h>

#include "absl/strings/str_cat.h"
#include "gateway/rest/json.h"
#include "google/protobuf/util/json_util.h"
#include "tests/bench/view_message.h"

namespace rapport::rest {
namespace {

void BM_AppendJson(benchmark::State& state) {
  const auto view = MakeView();
  std::string text;
  for (auto _ : state) {
    text.clear();
    AppendJson(view, &text);
    benchmark::DoNotOptimize(text.data());
  }
  state.SetBytesProcessed(state.iterations() * text.size());
  state.SetItemsProcessed(state.iterations());
  state.SetLabel(absl::StrCat(text.size(), " bytes a view"));
}
BENCHMARK(BM_AppendJson);

// What the REST gateway does with a view that a service answered: parse it, then write it.
void BM_ParseProtoAppendJson(benchmark::State& state) {
  const std::string bytes = MakeView().SerializeAsString();
  std::string text;
  for (auto _ : state) {
    google::protobuf::Arena arena;
    auto* view = google::protobuf::Arena::CreateMessage<gateway::v1::CustomerView>(&arena);
    view->ParseFromString(bytes);
    text.clear();
    AppendJson(*view, &text);
    benchmark::DoNotOptimize(text.data());
  }
  state.SetBytesProcessed(state.iterations() * text.size());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_ParseProtoAppendJson);

void BM_ProtobufMessageToJson(benchmark::State& state) {
  const auto view = MakeView();
  std::string text;
  for (auto _ : state) {
    text.clear();
    benchmark::DoNotOptimize(google::protobuf::util::MessageToJsonString(view, &text).ok());
  }
  state.SetBytesProcessed(state.iterations() * text.size());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_ProtobufMessageToJson);

void BM_ParseJsonOrder(benchmark::State& state) {
  std::string text;
  AppendJson(MakeOrder(1), &text);
  for (auto _ : state) {
    google::protobuf::Arena arena;
    auto* order = google::protobuf::Arena::CreateMessage<sales::v1::Order>(&arena);
    benchmark::DoNotOptimize(ParseJson(text, order).ok());
  }
  state.SetBytesProcessed(state.iterations() * text.size());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_ParseJsonOrder);

void BM_ProtobufJsonToOrder(benchmark::State& state) {
  std::string text;
  AppendJson(MakeOrder(1), &text);
  for (auto _ : state) {
    sales::v1::Order order;
    benchmark::DoNotOptimize(google::protobuf::util::JsonStringToMessage(text, &order).ok());
  }
  state.SetBytesProcessed(state.iterations() * text.size());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_ProtobufJsonToOrder);

}  // namespace
}  // namespace rapport::rest
