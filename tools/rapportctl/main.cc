// rapportctl: what is done to a Rapport from outside, or to its data while it is stopped.
#include <csignal>
#include <cstdio>

#include "tools/rapportctl/command.h"

namespace rapport {

int Conclude(const absl::Status& status) {
  if (status.ok()) return 0;
  std::fprintf(stderr, "rapportctl: %s\n", std::string(status.message()).c_str());
  return 1;
}

}  // namespace rapport

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  int exit_code = 0;
  CLI::App app("Works with a Rapport: imports into it, looks at it, checks and rebuilds its data.");
  app.set_version_flag("--version", "rapportctl " RAPPORT_VERSION);
  app.require_subcommand(1);
  rapport::AddImportCommand(app, &exit_code);
  rapport::AddViewCommand(app, &exit_code);
  rapport::AddVerifyCommand(app, &exit_code);
  rapport::AddVerifyHistoryCommand(app, &exit_code);
  rapport::AddRebuildCommand(app, &exit_code);
  rapport::AddLogCommand(app, &exit_code);
  rapport::AddTopicsCommand(app, &exit_code);
  rapport::AddBenchCommand(app, &exit_code);
  CLI11_PARSE(app, argc, argv);
  return exit_code;
}
