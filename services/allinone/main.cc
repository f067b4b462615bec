// rapport: all of Rapport's servers in one program, which is told by its first word which one to
// be, or by the name that it is called by: `rapport accounts` is rapport-accounts.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <list>
#include <thread>

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

  CLI::App app("Rapport: the customer at the centre. An event-sourced CRM.");
  app.set_version_flag("--version", "rapport " RAPPORT_VERSION);
  app.require_subcommand(1);
  std::list<rapport::ServeOptions> options;  // of each program, and where its flags go
  const rapport::ServeOptions* chosen = nullptr;
  for (const rapport::Program& program : rapport::Programs()) {
    CLI::App* command = app.add_subcommand(program.name, program.description);
    command->set_version_flag("--version", "rapport " RAPPORT_VERSION);
    rapport::AddServeFlags(*command, program, &options.emplace_back());
    command->callback([&chosen, own = &options.back()] { chosen = own; });
  }
  std::vector<std::string> words(argv + 1, argv + argc);
  const std::string called = std::filesystem::path(argv[0]).filename();
  if (constexpr char kPrefix[] = "rapport-"; called.rfind(kPrefix, 0) == 0) {
    words.insert(words.begin(), called.substr(sizeof(kPrefix) - 1));
  }
  std::reverse(words.begin(), words.end());  // as CLI11 wants them
  try {
    app.parse(std::move(words));
  } catch (const CLI::ParseError& wrong) {
    return app.exit(wrong);
  }

  static auto& ended = *new absl::Notification;  // the thread may be there to the very end
  std::thread([signals] {
    int signal = 0;
    sigwait(&signals, &signal);
    ended.Notify();
  }).detach();
  const absl::Status served = rapport::Serve(*chosen, ended);
  if (served.ok()) return 0;
  std::fprintf(stderr, "rapport: %s\n", std::string(served.message()).c_str());
  return 1;
}
