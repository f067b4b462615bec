// rapport: everything in one process, on the embedded log. For a laptop, a pilot, the tests.
#include <csignal>
#include <cstdio>

#include "CLI/CLI.hpp"
#include "absl/synchronization/mutex.h"
#include "services/allinone/serve.h"

int main(int argc, char** argv) {
  // Before any thread is made, so that the one that waits for signals gets them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  // The distribution's absl is built with its own debugging, which records who holds which lock.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);

  rapport::ServeOptions options;
  CLI::App app("Rapport: the customer at the centre. Event-sourced CRM in one process.");
  app.set_version_flag("--version", "rapport " RAPPORT_VERSION);
  app.require_subcommand(1);
  CLI::App* serve = app.add_subcommand("serve", "Serve the four services and the gateway");
  rapport::AddServeFlags(*serve, &options);
  CLI11_PARSE(app, argc, argv);

  const absl::Status served = rapport::Serve(options, [&signals] {
    int signal = 0;
    sigwait(&signals, &signal);
  });
  if (served.ok()) return 0;
  std::fprintf(stderr, "rapport: %s\n", std::string(served.message()).c_str());
  return 1;
}
