#include "services/allinone/serve.h"

#include <unistd.h>

#include <atomic>
#include <cstdio>

#include "CLI/CLI.hpp"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gateway/console/console.h"
#include "gateway/import/session.h"
#include "gateway/rest/http_server.h"
#include "gateway/rest/openapi.h"
#include "services/runtime/base/money.h"
#include "services/runtime/metrics/call_log.h"
#include "services/runtime/rpc/server.h"

namespace rapport {
namespace {

// Probes, each for a moment.
constexpr int kMaxHealthConnections = 64;

bool IsLoopback(absl::string_view address) {
  return absl::StartsWith(address, "127.") || absl::StartsWith(address, "localhost:") ||
         absl::StartsWith(address, "[::1]:");
}

// "USD 500".
absl::StatusOr<google::type::Money> ParseMargin(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, ' ');
  google::type::Money margin;
  int64_t units = 0;
  if (parts.size() == 2 && absl::SimpleAtoi(parts[1], &units)) {
    margin.set_currency_code(parts[0]);
    margin.set_units(units);
    if (CheckMoney(margin).ok()) return margin;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--recovery-margin \"", text, "\": say a currency and whole units, as USD 500"));
}

// Of `metrics` and `health` anybody may learn: they hold counts, names of methods and whether this
// instance is ready, nothing of customers and nothing that a caller wrote.
absl::Status CheckListeners(const ServeOptions& options) {
  if (!options.tls.client_ca.empty()) return absl::OkStatus();
  for (const auto& address : {options.http, options.grpc}) {
    if (IsLoopback(address)) continue;
    if (!options.allow_unauthenticated) {
      return absl::FailedPreconditionError(absl::StrCat(
          address,
          " can be reached from other machines, and nobody is authenticated: ask callers for "
          "certificates with --tls-client-ca, listen on 127.0.0.1, or say "
          "--allow-unauthenticated"));
    }
    Log(Level::kWarning, "nobody_is_authenticated",
        {{"address", address},
         {"meaning", "whoever reaches it from other machines reads and writes everything"}});
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<Tls>> LoadTls(const ServeOptions& options) {
  if (options.tls.empty()) return nullptr;
  TlsOptions tls = options.tls;
  tls.has_companions = !options.kafka.brokers.empty();
  return Tls::Load(std::move(tls));
}

struct Endpoint {
  std::string host;
  int port = 0;
};

absl::StatusOr<Endpoint> ParseEndpoint(const std::string& address) {
  const size_t colon = address.rfind(':');
  Endpoint endpoint{.host = address.substr(0, colon)};
  if (absl::StartsWith(endpoint.host, "[") && absl::EndsWith(endpoint.host, "]")) {
    endpoint.host = endpoint.host.substr(1, endpoint.host.size() - 2);  // [::1]
  }
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &endpoint.port) ||
      endpoint.port < 0 || endpoint.port > 65'535) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", address, "\" is not host:port, for example 127.0.0.1:8080"));
  }
  return endpoint;
}

std::string HostOf(const std::string& address) {
  return address.substr(0, address.rfind(':'));
}

void Announce(const char* what, const std::string& address, int port) {
  std::printf("%s %s:%d\n", what, HostOf(address).c_str(), port);
  std::fflush(stdout);
}

// What /readyz and /healthz ask.
struct Probes {
  std::function<bool()> ready;
  std::function<absl::Status()> alive;
};

// Null where no address is given.
absl::StatusOr<std::unique_ptr<rest::HttpServer>> StartHealth(const std::string& address,
                                                              const Probes& probes) {
  if (address.empty()) return nullptr;
  ASSIGN_OR_RETURN(const Endpoint endpoint, ParseEndpoint(address));
  ASSIGN_OR_RETURN(rest::Routes none, rest::Routes::Build({}));
  return rest::HttpServer::Start({.address = endpoint.host,
                                  .port = endpoint.port,
                                  .threads = 1,
                                  .max_connections = kMaxHealthConnections,
                                  .ready = probes.ready,
                                  .alive = probes.alive},
                                 std::move(none), nullptr);
}

// What Kubernetes calls a pod, and people a machine.
std::string InstanceName() {
  char host[256] = "rapport";
  ::gethostname(host, sizeof(host) - 1);
  return absl::StrCat(host, "-", ::getpid());
}

}  // namespace

const std::vector<Program>& Programs() {
  static const auto* const programs = new std::vector<Program>{
      {"serve",
       "The four services and the gateway in one process",
       {"accounts", "sales", "service", "marketing"},
       true},
      {"gateway", "The gateway alone: REST, gRPC, view, timeline, import", {}, true},
      {"accounts", "The service accounts alone", {"accounts"}},
      {"sales", "The service sales alone", {"sales"}},
      {"service", "The service service alone", {"service"}},
      {"marketing", "The service marketing alone", {"marketing"}}};
  return *programs;
}

void AddServeFlags(CLI::App& app, const Program& program, ServeOptions* options) {
  NodeOptions& node = options->node;
  node.services = program.services;
  node.gateway = program.gateway;
  const bool all = program.services == Programs().front().services;
  if (!all) {
    node.elsewhere = Programs().front().services;
    for (const auto& here : program.services) std::erase(node.elsewhere, here);
  }
  const auto flag = [&app](const std::string& name, auto& value, const std::string& help) {
    std::string variable = "RAPPORT_" + name;
    for (char& c : variable) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
    return app.add_option("--" + name, value, help)->envname(variable)->capture_default_str();
  };
  flag("data", node.data_dir, "Folder of projections, and without Kafka of the log");
  if (all) {
    flag("services", node.services,
         "The services to serve, of accounts,sales,service,marketing; without accounts no customer "
         "is checked")
        ->delimiter(',');
  }
  AddKafkaFlags(app, &options->kafka);
  flag("elsewhere", node.elsewhere,
       "The services that other programs upon the same Kafka topics run, and this one calls")
      ->delimiter(',');
  flag("secret-file", node.secret_file,
       "32 bytes that all instances upon the same Kafka topics have in common");
  flag(
      "kafka-session-ms", options->kafka_session_ms,
      "An instance that gives no sign of life for so long loses its partitions to others; not less "
      "than the brokers' group.min.session.timeout.ms")
      ->check(CLI::Range(1'000, 300'000));
  flag("http", options->http,
       program.gateway ? "REST/JSON, /healthz and /readyz on host:port"
                       : "/healthz and /readyz on host:port");
  flag("grpc", options->grpc, "gRPC on host:port");
  flag(
      "advertise", options->advertise,
      "host:port at which other instances reach this one's gRPC; otherwise what --grpc listens on");
  flag("metrics", options->metrics, "Prometheus metrics on host:port, always in plain text");
  flag("health", options->health,
       "/healthz and /readyz on host:port besides, always in plain text and without certificates");
  flag(
      "tls-certificate", options->tls.certificate,
      "PEM file: this instance's certificate and those that lead to its CA; with it, http and grpc "
      "speak TLS only");
  flag("tls-key", options->tls.key, "PEM file: the certificate's key, without a password");
  flag("tls-client-ca", options->tls.client_ca,
       "PEM file: callers must show a certificate that one of these CAs signed, and so must other "
       "instances");
  flag("tls-instances", options->tls.instances,
       "Names in the certificates of other instances, beside those in this one's own: their "
       "x-rapport-actor is believed")
      ->delimiter(',');
  flag("partitions", node.partitions, "Partitions of each topic; fixed once created")
      ->check(CLI::Range(1, 1'024));
  flag("threads", node.threads, "Threads that decide and apply")->check(CLI::Range(1, 64));
  flag("cache-bytes", node.cache_bytes, "Block cache of all projections");
  flag("memtable-bytes", node.memtable_bytes, "Memtables of all projections");
  flag("backups", node.backups.folder,
       "Make backups here while serving; a backup is a data folder");
  flag("backup-minutes", options->backup_minutes, "Between two backups")
      ->check(CLI::Range(1, 10'080));
  flag("backup-keep", node.backups.keep, "Older backups are removed")->check(CLI::Range(1, 1'000));
  flag("min-free-bytes", node.min_free_bytes,
       "Writes are refused while the disk has less free space");
  flag("recovery-margin", options->recovery_margin,
       "Whose orders earned more than this is called back after a complaint");
  flag("drain-seconds", options->drain_seconds, "How long calls may take after SIGTERM")
      ->check(CLI::Range(0, 600));
  app.add_flag("--log-calls", options->log_calls, "A line on stderr for every call")
      ->envname("RAPPORT_LOG_CALLS");
  app.add_flag("--allow-unauthenticated", options->allow_unauthenticated,
               "Listen beyond loopback although nobody is authenticated");
}

namespace {

absl::Status ServeUntil(const ServeOptions& options, const absl::Notification& ended) {
  RETURN_IF_ERROR(CheckListeners(options));
  ASSIGN_OR_RETURN(const std::shared_ptr<Tls> tls, LoadTls(options));
  NodeOptions node_options = options.node;
  node_options.tls = tls;
  ASSIGN_OR_RETURN(node_options.marketing.recovery_margin, ParseMargin(options.recovery_margin));
  ASSIGN_OR_RETURN(node_options.kafka, ToOptions(options.kafka));
  if (node_options.kafka && node_options.secret_file.empty()) {
    return absl::InvalidArgumentError(
        "all instances upon the same Kafka topics need the same secret: make one with "
        "head -c 32 /dev/urandom > secret, and say --secret-file secret; a log that was copied "
        "from a data folder goes on with the folder's own");
  }
  if (node_options.kafka) {
    node_options.kafka->instance = InstanceName();
    node_options.kafka->session_timeout = absl::Milliseconds(options.kafka_session_ms);
  }
  node_options.ended = [&ended] { return ended.HasBeenNotified(); };
  node_options.backups.every = absl::Minutes(options.backup_minutes);
  Node node(node_options);
  std::atomic<bool> serving = false;
  // A start that stands still ends by itself, and so does an end.
  const Probes probes{
      .ready = [&node, &serving] { return serving && node.Health().ok(); },
      .alive = [&node, &serving] { return serving ? node.Alive() : absl::OkStatus(); }};
  // Before what may take long, so that a probe finds this instance alive.
  ASSIGN_OR_RETURN(const auto health, StartHealth(options.health, probes));
  RETURN_IF_ERROR(node.Start());
  std::vector<const ServiceDescriptor*> installed, not_installed;
  for (const auto* service : node.services()) {
    (node.Installed(*service) ? installed : not_installed).push_back(service);
  }
  LoggedHandler logged(node.handler());
  Handler* const handler = options.log_calls ? &logged : &node.handler();
  std::map<std::string, StreamFactory> streams;
  if (options.node.gateway) {
    streams["rapport.gateway.v1.Gateway.Import"] = ImportSessions(
        handler, node.services(),
        [&node](absl::Duration delay, auto task) { node.RunAfter(delay, std::move(task)); });
  }
  std::vector<const ServiceDescriptor*> by_grpc = node.services();
  for (const auto* service : node.peer_services()) by_grpc.push_back(service);
  GrpcServer grpc({.address = options.grpc,
                   .services = std::move(by_grpc),
                   .handler = handler,
                   .handles = [&node](const auto& method) { return node.Handles(method); },
                   .for_instances = node.peer_services(),
                   .not_serving = not_installed,
                   .streams = std::move(streams),
                   .tls = tls});
  RETURN_IF_ERROR(grpc.Start());
  const std::string bound = absl::StrCat(HostOf(options.grpc), ":", grpc.port());
  RETURN_IF_ERROR(node.Join(options.advertise.empty() ? bound : options.advertise));
  const auto by_rest = options.node.gateway ? node.services() : decltype(node.services())();
  ASSIGN_OR_RETURN(rest::Routes routes, rest::Routes::Build(by_rest));
  ASSIGN_OR_RETURN(const Endpoint http_endpoint, ParseEndpoint(options.http));
  decltype(console::Pages()) files;
  if (options.node.gateway) {
    files = console::Pages();
    files["/openapi.json"].body = rest::OpenApi(routes, installed, RAPPORT_VERSION);
  }
  ASSIGN_OR_RETURN(const auto http, rest::HttpServer::Start({.address = http_endpoint.host,
                                                             .port = http_endpoint.port,
                                                             .tls = tls,
                                                             .ready = probes.ready,
                                                             .alive = probes.alive,
                                                             .files = std::move(files)},
                                                            std::move(routes), handler));
  ASSIGN_OR_RETURN(const int metrics_port, node.metrics().Listen(options.metrics));
  serving = true;
  Log(Level::kInfo, "serving",
      {{"version", RAPPORT_VERSION},
       {"services", absl::StrJoin(options.node.services, ",")},
       {"data", options.node.data_dir},
       {"kafka", options.kafka.brokers}});
  Announce("http", options.http, http->port());
  Announce("grpc", options.grpc, grpc.port());
  Announce("metrics", options.metrics, metrics_port);
  if (health != nullptr) Announce("health", options.health, health->port());
  std::puts("ready");
  std::fflush(stdout);

  ended.WaitForNotification();
  Log(Level::kInfo, "draining");
  std::puts("draining");
  std::fflush(stdout);
  serving = false;
  node.HandOver();
  const absl::Time deadline = absl::Now() + absl::Seconds(options.drain_seconds);
  http->Shutdown(deadline - absl::Now());
  grpc.Shutdown(deadline);
  if (health != nullptr) health->Shutdown(absl::ZeroDuration());  // it asks the node
  node.Stop();
  return absl::OkStatus();
}

}  // namespace

absl::Status Serve(const ServeOptions& options, const absl::Notification& ended) {
  const absl::Status served = ServeUntil(options, ended);
  if (!served.ok() && !absl::IsCancelled(served)) return served;
  Log(Level::kInfo, "stopped");
  std::puts("stopped");
  return absl::OkStatus();
}

}  // namespace rapport
