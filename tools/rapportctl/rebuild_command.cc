// rapportctl rebuild --data DIR [--kafka BROKERS] [--service NAME]…
// rapportctl rebuild --server HOST:PORT [--service NAME]…
#include <algorithm>
#include <cstdio>
#include <memory>

#include "absl/strings/str_cat.h"
#include "services/allinone/kafka_flags.h"
#include "services/runtime/base/status.h"
#include "services/runtime/rpc/client.h"
#include "tools/rapportctl/command.h"
#include "tools/rapportctl/grpc_server.h"
#include "tools/rapportctl/rebuild.h"
#include "tools/rapportctl/rebuild_server.h"
#include "tools/rapportctl/server_flags.h"

namespace rapport {
namespace {

struct Flags {
  std::string data;
  std::string server;  // or this one, which runs
  ClientTlsOptions tls;
  KafkaFlags kafka;
  std::vector<std::string> services;
};

void Print(const char* what, const RebuildFigures& figures) {
  const double seconds = absl::ToDoubleSeconds(figures.duration);
  std::printf("%-10s %4zu projections %12lld records %8.2f s %10.0f records/s\n", what,
              figures.projections, static_cast<long long>(figures.records), seconds,
              static_cast<double>(figures.records) / std::max(seconds, 1e-6));
}

absl::Status RebuildRunning(const Flags& flags) {
  ASSIGN_OR_RETURN(ServerAddress address, ParseServer(flags.server, flags.tls));
  address.as_instance = true;  // others may not rebuild
  ASSIGN_OR_RETURN(const auto credentials, ReachGrpc(address));
  GrpcClient server(address.text(), credentials);
  ASSIGN_OR_RETURN(const auto projections, ListProjections(server, flags.services));
  const absl::Time begin = absl::Now();
  RebuildFigures total;
  for (const auto& projection : projections) {
    ASSIGN_OR_RETURN(const int64_t records, RebuildProjection(server, projection));
    ++total.projections;
    total.records += records;
    std::printf("%s/%d: %lld records\n", projection.topic().c_str(), projection.partition(),
                static_cast<long long>(records));
    std::fflush(stdout);
  }
  total.duration = absl::Now() - begin;
  Print("all", total);
  return absl::OkStatus();
}

absl::Status RebuildStopped(const Flags& flags) {
  ASSIGN_OR_RETURN(const auto kafka, ToOptions(flags.kafka));
  ASSIGN_OR_RETURN(const auto data, DataFolder::Open(flags.data, kafka));
  const auto wanted = [&flags](const std::string& name) {
    return flags.services.empty() || std::count(flags.services.begin(), flags.services.end(), name);
  };
  RebuildFigures total;
  for (const auto& service : data->services()) {
    if (!wanted(service.name)) continue;
    ASSIGN_OR_RETURN(const RebuildFigures figures, RebuildService(*data, service));
    Print(service.name.c_str(), figures);
    total.projections += figures.projections;
    total.records += figures.records;
    total.duration += figures.duration;
  }
  Print("all", total);
  return absl::OkStatus();
}

}  // namespace

void AddRebuildCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand(
      "rebuild",
      "Build projections anew from the log and switch to them; the server is stopped, or runs and "
      "goes on serving");
  command->set_version_flag("--version", "rapportctl " RAPPORT_VERSION);
  auto* const where = command->add_option_group("where")->require_option(1);
  where->add_option("--data", flags->data, "The data folder of a server that is stopped");
  where->add_option("--server", flags->server,
                    "host:port of the gRPC of a server that runs; https:// speaks TLS");
  AddTlsFlags(*command, &flags->tls);
  AddKafkaFlags(*command, &flags->kafka);
  command->add_option("--service", flags->services, "Only this service; may be given again")
      ->check(CLI::IsMember({"accounts", "sales", "service", "marketing"}));
  command->callback([flags, exit_code] {
    *exit_code = Conclude(flags->data.empty() ? RebuildRunning(*flags) : RebuildStopped(*flags));
  });
}

}  // namespace rapport
