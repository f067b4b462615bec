#include "tests/bench/child.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"

extern char** environ;

namespace rapport::bench {

absl::StatusOr<Child> Child::Start(const std::string& program) {
  int input[2];
  int output[2];
  if (pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0) {
    return absl::InternalError("no pipe");
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  std::string name = program;
  char* arguments[] = {name.data(), nullptr};
  pid_t pid = 0;
  const int failed = posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(input[0]);
  close(output[1]);
  int port = 0;
  FILE* lines = fdopen(output[0], "r");
  const bool printed = failed == 0 && std::fscanf(lines, "%d", &port) == 1;
  std::fclose(lines);
  if (failed != 0) {
    close(input[1]);
    return absl::NotFoundError(absl::StrCat("cannot start ", program));
  }
  Child child(pid, input[1], port);
  if (!printed) return absl::UnavailableError(absl::StrCat(program, " printed no port"));
  return child;
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), input_(other.input_), port_(other.port_) {}

Child::~Child() {
  if (pid_ == 0) return;
  close(input_);
  waitpid(pid_, nullptr, 0);
}

std::string Child::address() const {
  return absl::StrCat("127.0.0.1:", port_);
}

}  // namespace rapport::bench
