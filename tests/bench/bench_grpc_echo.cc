// What gRPC itself can do on this machine, and what our server leaves of it.
//
// Both servers run in processes of their own and are driven in turn by the same load, so that a
// machine that is busy with other things is busy for both. The median says what is usual here, the
// best what the machine can do.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>

#include "absl/strings/str_format.h"
#include "rapport/service/v1/case.pb.h"
#include "tests/bench/child.h"
#include "tests/bench/echo.pb.h"
#include "tests/bench/load.h"

namespace rapport::bench {
namespace {

constexpr int kRequestBytes = 350;

struct Contestant {
  std::string name;
  std::string program;
  std::string path;
  std::string request;
  std::vector<double> rates;
};

std::vector<Contestant> Contestants() {
  ::bench::EchoMessage echo;
  echo.set_payload(std::string(kRequestBytes - 3, 'q'));
  service::v1::GetCaseRequest get;
  get.set_name(std::string(kRequestBytes - 3, 'q'));
  return {{"bare gRPC", "bench_echo_server", "/bench.Echo/Echo", echo.SerializeAsString()},
          {"runtime/rpc", "bench_rpc_server", "/rapport.service.v1.Service/GetCase",
           get.SerializeAsString()}};
}

absl::Status Run(Contestant& contestant, const std::filesystem::path& programs, Load load) {
  const auto child = Child::Start(programs / contestant.program);
  if (!child.ok()) return child.status();
  load.address = child->address();
  load.path = contestant.path;
  load.request = [slice = grpc::Slice(contestant.request)](int64_t) {
    return grpc::ByteBuffer(&slice, 1);
  };
  const auto measured = RunLoad(load);
  if (!measured.ok()) return measured.status();
  contestant.rates.push_back(measured->calls_per_second);
  std::cout << absl::StreamFormat("%-12s %s\n", contestant.name, ToString(*measured));
  return absl::OkStatus();
}

}  // namespace
}  // namespace rapport::bench

int main(int argc, char** argv) {
  rapport::bench::Load load;
  double seconds = 5;
  int rounds = 3;
  bool bare = false;
  CLI::App app("Compares runtime/rpc with bare gRPC");
  app.add_option("--in_flight", load.in_flight, "calls always in flight");
  app.add_option("--channels", load.channels, "connections of the client");
  app.add_option("--threads", load.threads, "threads of the client");
  app.add_option("--seconds", seconds, "length of a round");
  app.add_option("--rounds", rounds, "rounds of each server")->check(CLI::PositiveNumber);
  app.add_flag("--bare", bare, "only bare gRPC");
  CLI11_PARSE(app, argc, argv);
  load.duration = absl::Seconds(seconds);

  auto contestants = rapport::bench::Contestants();
  if (bare) contestants.resize(1);
  const auto programs = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  for (int round = 0; round < rounds; ++round) {
    for (auto& contestant : contestants) {
      if (const absl::Status ran = rapport::bench::Run(contestant, programs, load); !ran.ok()) {
        std::cerr << ran << std::endl;
        return 1;
      }
    }
  }
  if (bare) return 0;
  for (auto& contestant : contestants) {
    std::sort(contestant.rates.begin(), contestant.rates.end());
    std::cout << absl::StreamFormat("%-12s median %.0f, best %.0f calls/s\n", contestant.name,
                                    contestant.rates[contestant.rates.size() / 2],
                                    contestant.rates.back());
  }
}
