// A server in a process of its own, for as long as the object lives.
#pragma once

#include <sys/types.h>

#include <string>

#include "absl/status/statusor.h"

namespace rapport::bench {

// Starts `program` with its input and output on pipes; the program prints its port as its first
// line and stops when its input ends.
class Child {
 public:
  static absl::StatusOr<Child> Start(const std::string& program);
  Child(Child&& other) noexcept;
  // Ends the input and waits for the process.
  ~Child();

  std::string address() const;

 private:
  Child(pid_t pid, int input, int port) : pid_(pid), input_(input), port_(port) {}

  pid_t pid_;
  int input_;
  int port_;
};

}  // namespace rapport::bench
