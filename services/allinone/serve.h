// `rapport serve` and its like: the flags, the listeners around a Node, and an orderly end.
#pragma once

#include "absl/synchronization/notification.h"
#include "services/allinone/kafka_flags.h"
#include "services/allinone/node.h"

namespace CLI {
class App;
}

namespace rapport {

// What one program is made of.
struct Program {
  const char* name;  // "accounts": `rapport accounts`, or rapport-accounts
  const char* description;
  std::vector<std::string> services;  // that run in it
  bool gateway = false;               // REST, view, timeline, import, console
};
// All in one first.
const std::vector<Program>& Programs();

struct ServeOptions {
  NodeOptions node;
  KafkaFlags kafka;
  int kafka_session_ms = 6'000;
  // host:port; port 0 takes a free one and prints it.
  std::string http = "127.0.0.1:8080";
  std::string grpc = "127.0.0.1:9090";
  std::string advertise;
  int backup_minutes = 60;
  std::string metrics = "127.0.0.1:9464";
  // /healthz and /readyz in plain text, for who has no certificate; empty: nowhere but on `http`.
  std::string health;
  // Of `http` and `grpc`, and of calls to other instances; empty: plain text.
  TlsOptions tls;
  // Where nobody shows a certificate, only this machine may call unless somebody says so.
  bool allow_unauthenticated = false;
  // A line on stderr for every call; without it only what goes wrong here.
  bool log_calls = false;
  // How long calls in flight may take after the signal to stop.
  int drain_seconds = 10;
  // Who has earned more than this and complains is called back: a currency and whole units.
  std::string recovery_margin = "USD 500";
};

// Every flag has an environment variable: --data is RAPPORT_DATA.
void AddServeFlags(CLI::App& app, const Program& program, ServeOptions* options);

// Serves until it is asked to end, then drains; one that does not serve yet ends at once. Prints
// what it listens on, one line each: "http 127.0.0.1:8080", and "ready".
absl::Status Serve(const ServeOptions& options, const absl::Notification& ended);

}  // namespace rapport
