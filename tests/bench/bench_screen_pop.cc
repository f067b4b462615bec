// bench_screen_pop --grpc 127.0.0.1:9090 --customers 20000
//
// Agents' desktops ask who calls, by phone, and get the view in one call, while commands are
// carried out: each at a rate of its own that does not wait for answers. Prints what was measured
// as JSON. Customer bench-<i> has the phone number of PhoneOf(i): tests/bench/content.py.
#include <atomic>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "rapport/gateway/v1/view.pb.h"
#include "tests/bench/load.h"
#include "tests/bench/requests.h"

namespace rapport {
namespace {

constexpr char kLookupCustomerView[] = "/rapport.gateway.v1.Gateway/LookupCustomerView";
constexpr char kCreateInteraction[] = "/rapport.service.v1.Service/CreateInteraction";
// Sent before anything is measured.
constexpr int kWarmUpSeconds = 2;

struct Flags {
  std::string grpc = "127.0.0.1:9090";
  int64_t customers = 20'000;
  int pops_per_second = 200;
  int commands_per_second = 1'000;
  int seconds = 10;
  // Begins the request ids, so that no run repeats another's.
  std::string run = absl::StrCat(absl::ToUnixNanos(absl::Now()));
};

grpc::ByteBuffer LookUp(const Flags& flags, int64_t i) {
  gateway::v1::LookupCustomerViewRequest request;
  request.set_phone(bench::PhoneOf(bench::SomeNumber(flags.customers, i)));
  request.set_region("DE");
  return bench::ToBuffer(request);
}

bool ShowsCustomer(const grpc::ByteBuffer& answer) {
  gateway::v1::LookupCustomerViewResponse response;
  grpc::ByteBuffer bytes(answer);
  grpc::Slice slice;
  return bytes.DumpToSingleSlice(&slice).ok() &&
         response.ParseFromArray(slice.begin(), static_cast<int>(slice.size())) &&
         response.view().interactions_size() > 0;
}

void Print(const char* what, const bench::Measured& measured, int64_t failed) {
  failed += bench::PrintErrors("bench_screen_pop", measured);
  absl::PrintF("\"%s\":{%s}", what, bench::ToJsonMembers(measured, failed));
}

int Run(const Flags& flags) {
  bench::Load load{.address = flags.grpc, .in_flight = 256, .channels = 2, .threads = 1};
  load.duration = absl::Seconds(flags.seconds);
  std::atomic<int64_t> empty = 0;
  bench::Load pops = load;
  pops.path = kLookupCustomerView;
  pops.request = [&flags](int64_t i) { return LookUp(flags, i); };
  pops.calls_per_second = flags.pops_per_second;
  pops.warm_up_calls = kWarmUpSeconds * flags.pops_per_second;
  pops.on_answer = [&empty](int64_t, const grpc::ByteBuffer& answer) {
    if (!ShowsCustomer(answer)) ++empty;
  };
  bench::Load commands = load;
  commands.path = kCreateInteraction;
  commands.request = [&flags](int64_t i) {
    return bench::LogInteraction(flags.customers, flags.run, i);
  };
  commands.calls_per_second = flags.commands_per_second;
  commands.warm_up_calls = kWarmUpSeconds * flags.commands_per_second;
  absl::StatusOr<bench::Measured> commanded;
  std::thread commanding([&] { commanded = bench::RunLoad(commands); });
  const absl::StatusOr<bench::Measured> popped = bench::RunLoad(pops);
  commanding.join();
  for (const auto& status : {popped.status(), commanded.status()}) {
    if (status.ok()) continue;
    absl::FPrintF(stderr, "bench_screen_pop: %s\n", status.message());
    return 1;
  }
  if (empty > 0) absl::FPrintF(stderr, "bench_screen_pop: %d views hold no interaction\n", empty);
  std::printf("{");
  Print("pops", *popped, empty);
  std::printf(",");
  Print("commands", *commanded, 0);
  std::printf("}\n");
  return 0;
}

}  // namespace
}  // namespace rapport

int main(int argc, char** argv) {
  rapport::Flags flags;
  CLI::App app("Looks callers up while commands are carried out, and prints how long it takes");
  app.add_option("--grpc", flags.grpc, "The server's gRPC address")->capture_default_str();
  app.add_option("--customers", flags.customers, "Who calls; with phone numbers")
      ->check(CLI::Range(int64_t{1}, int64_t{10'000'000}))
      ->capture_default_str();
  app.add_option("--pops-per-second", flags.pops_per_second, "Look-ups")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--commands-per-second", flags.commands_per_second, "Interactions created")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--seconds", flags.seconds, "How long")
      ->check(CLI::Range(1, 3'600))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return rapport::Run(flags);
}
