// rapportctl bench --grpc 127.0.0.1:9090 --case interactions|view|mixed
#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "rapport/gateway/v1/view.pb.h"
#include "services/runtime/base/status.h"
#include "tests/bench/load.h"
#include "tests/bench/requests.h"
#include "tools/rapportctl/command.h"
#include "tools/rapportctl/grpc_server.h"
#include "tools/rapportctl/server_flags.h"

namespace rapport {
namespace {

using bench::CustomerId;
using bench::SomeCustomer;
using bench::ToBuffer;

constexpr char kCreateCustomer[] = "/rapport.accounts.v1.Accounts/CreateCustomer";
constexpr char kCreateInteraction[] = "/rapport.service.v1.Service/CreateInteraction";
constexpr char kGetView[] = "/rapport.gateway.v1.Gateway/GetCustomerView";
// What tests/bench compares with PostgreSQL; views are measured by these, whatever else they learn.
constexpr const char* kViewParts[] = {"customer", "orders", "cases", "interactions", "campaigns"};

struct Flags {
  std::string grpc = "127.0.0.1:9090";
  ClientTlsOptions tls;
  std::shared_ptr<grpc::ChannelCredentials> credentials;  // what these two come to
  std::string what = "interactions";
  int64_t customers = 100'000;
  int in_flight = 64;
  int seconds = 10;
  bool json = false;
  // Begins the request ids, so that no run repeats another's.
  std::string run = absl::StrCat(absl::ToUnixNanos(absl::Now()));
};

struct Row {
  std::string name;
  bench::Measured measured;
};

grpc::ByteBuffer CreateCustomer(int64_t i) {
  auto request = bench::CreateCustomer(i);
  // Also the request id, so that preparing twice creates nothing twice.
  request.set_request_id(request.customer_id());
  return ToBuffer(request);
}

grpc::ByteBuffer CreateInteraction(const Flags& flags, int64_t i) {
  auto request = bench::CreateInteraction(SomeCustomer(flags.customers, i));
  request.set_request_id(absl::StrCat(flags.run, "-", i));
  return ToBuffer(request);
}

grpc::ByteBuffer GetView(const Flags& flags, int64_t i) {
  gateway::v1::GetCustomerViewRequest request;
  request.set_name(SomeCustomer(flags.customers, i));
  for (const char* part : kViewParts) request.mutable_read_mask()->add_paths(part);
  return ToBuffer(request);
}

bench::Load LoadOf(const Flags& flags, const char* path,
                   std::function<grpc::ByteBuffer(int64_t)> request) {
  return {.address = flags.grpc,
          .credentials = flags.credentials,
          .path = path,
          .request = std::move(request),
          .in_flight = flags.in_flight,
          .duration = absl::Seconds(flags.seconds)};
}

// Creates the customers that are not there yet.
absl::Status Prepare(const Flags& flags) {
  // They are made in order, so the last is there when all are.
  bool complete = false;
  bench::Load probe = LoadOf(flags, kGetView, [&flags](int64_t) {
    gateway::v1::GetCustomerViewRequest request;
    request.set_name(absl::StrCat("customers/", CustomerId(flags.customers - 1)));
    request.mutable_read_mask()->add_paths("customer");
    return ToBuffer(request);
  });
  probe.warm_up_calls = 0;
  probe.calls = 1;
  probe.on_answer = [&complete](int64_t, const grpc::ByteBuffer&) { complete = true; };
  RETURN_IF_ERROR(bench::RunLoad(probe).status());
  if (complete) return absl::OkStatus();
  bench::Load load = LoadOf(flags, kCreateCustomer, CreateCustomer);
  load.warm_up_calls = 0;
  load.calls = flags.customers;
  load.duration = absl::Hours(1);
  ASSIGN_OR_RETURN(const bench::Measured made, bench::RunLoad(load));
  absl::FPrintF(stderr, "made %d customers: %s\n", flags.customers, bench::ToString(made));
  if (made.errors.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("customers cannot be made: ", made.errors.begin()->first));
}

absl::StatusOr<std::vector<Row>> RunAll(std::vector<std::pair<std::string, bench::Load>> loads) {
  std::vector<absl::StatusOr<bench::Measured>> measured(loads.size(), absl::UnknownError(""));
  std::vector<std::thread> threads;
  for (size_t i = 0; i < loads.size(); ++i) {
    threads.emplace_back([&, i] { measured[i] = bench::RunLoad(loads[i].second); });
  }
  for (auto& thread : threads) thread.join();
  std::vector<Row> rows;
  for (size_t i = 0; i < loads.size(); ++i) {
    RETURN_IF_ERROR(measured[i].status());
    rows.push_back({loads[i].first, *measured[i]});
  }
  return rows;
}

absl::StatusOr<std::vector<Row>> Measure(const Flags& flags) {
  bench::Load write = LoadOf(flags, kCreateInteraction,
                             [&flags](int64_t i) { return CreateInteraction(flags, i); });
  bench::Load read = LoadOf(flags, kGetView, [&flags](int64_t i) { return GetView(flags, i); });
  if (flags.what == "interactions") return RunAll({{"interactions", write}});
  if (flags.what == "view") return RunAll({{"view", read}});
  write.in_flight = read.in_flight = flags.in_flight / 2;
  return RunAll({{"interactions", write}, {"view", read}});
}

void PrintTable(const std::vector<Row>& rows) {
  absl::PrintF("%-14s %10s %10s %9s %9s %9s %9s %8s\n", "case", "calls", "calls/s", "p50 ms",
               "p90 ms", "p99 ms", "max ms", "errors");
  for (const auto& [name, m] : rows) {
    int64_t errors = 0;
    for (const auto& [what, count] : m.errors) errors += count;
    absl::PrintF("%-14s %10d %10.0f %9.2f %9.2f %9.2f %9.2f %8d\n", name, m.calls,
                 m.calls_per_second, absl::ToDoubleMilliseconds(m.p50),
                 absl::ToDoubleMilliseconds(m.p90), absl::ToDoubleMilliseconds(m.p99),
                 absl::ToDoubleMilliseconds(m.max), errors);
    for (const auto& [what, count] : m.errors) absl::PrintF("  %d × %s\n", count, what);
  }
}

void PrintJson(const std::vector<Row>& rows) {
  std::vector<std::string> objects;
  for (const auto& [name, m] : rows) {
    int64_t errors = 0;
    for (const auto& [what, count] : m.errors) errors += count;
    objects.push_back(absl::StrFormat(
        R"({"case":"%s","calls":%d,"callsPerSecond":%.1f,"p50Ms":%.3f,"p90Ms":%.3f,)"
        R"("p99Ms":%.3f,"maxMs":%.3f,"errors":%d})",
        name, m.calls, m.calls_per_second, absl::ToDoubleMilliseconds(m.p50),
        absl::ToDoubleMilliseconds(m.p90), absl::ToDoubleMilliseconds(m.p99),
        absl::ToDoubleMilliseconds(m.max), errors));
  }
  absl::PrintF("[%s]\n", absl::StrJoin(objects, ","));
}

absl::Status Bench(Flags flags) {
  ASSIGN_OR_RETURN(const ServerAddress server, ParseServer(flags.grpc, flags.tls));
  ASSIGN_OR_RETURN(flags.credentials, ReachGrpc(server));
  flags.grpc = server.text();
  RETURN_IF_ERROR(Prepare(flags));
  ASSIGN_OR_RETURN(const std::vector<Row> rows, Measure(flags));
  flags.json ? PrintJson(rows) : PrintTable(rows);
  return absl::OkStatus();
}

}  // namespace

void AddBenchCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("bench", "Put load on a running server over gRPC");
  command->set_version_flag("--version", "rapportctl " RAPPORT_VERSION);
  command->add_option("--grpc", flags->grpc, "The server's gRPC address; https:// speaks TLS")
      ->capture_default_str();
  AddTlsFlags(*command, &flags->tls);
  command->add_option("--case", flags->what, "What to call")
      ->check(CLI::IsMember({"interactions", "view", "mixed"}))
      ->capture_default_str();
  command->add_option("--customers", flags->customers, "Made first, unless they are there")
      ->check(CLI::Range(int64_t{1}, int64_t{10'000'000}))
      ->capture_default_str();
  command->add_option("--in-flight", flags->in_flight, "Calls at a time; a multiple of 4")
      ->check(CLI::Range(4, 4'096))
      ->capture_default_str();
  command->add_option("--seconds", flags->seconds, "How long")
      ->check(CLI::Range(1, 3'600))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "As JSON");
  command->callback([flags, exit_code] { *exit_code = Conclude(Bench(*flags)); });
}

}  // namespace rapport
