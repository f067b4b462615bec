// The commands of rapportctl, one file each. Every function adds its command to the program; a
// command that ran has set `exit_code`: 0 well, 1 not, 2 where single rows were refused or a
// history cannot be read.
#pragma once

#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"

namespace rapport {

void AddBenchCommand(CLI::App& app, int* exit_code);
void AddImportCommand(CLI::App& app, int* exit_code);
void AddLogCommand(CLI::App& app, int* exit_code);
void AddRebuildCommand(CLI::App& app, int* exit_code);
void AddTopicsCommand(CLI::App& app, int* exit_code);
void AddVerifyCommand(CLI::App& app, int* exit_code);
void AddVerifyHistoryCommand(CLI::App& app, int* exit_code);
void AddViewCommand(CLI::App& app, int* exit_code);

// Says on stderr what went wrong, if anything did. Answers the exit code.
int Conclude(const absl::Status& status);

}  // namespace rapport
