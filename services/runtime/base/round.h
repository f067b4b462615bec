// Work that can wait until a thread has done the rest of what it is about.
//
//   Round round;              // on a thread that completes many things in a row
//   for (auto& one : many) one.Complete();   // each may call Round::PutOff
//   // what was put off runs here
//
// Answers to callers are put off: each of them wakes somebody who competes with the rest of the
// round for the processor and its caches. Doing like with like saves a fifth of a command.
// Threads: a round is its thread's own.
#pragma once

#include <vector>

#include "absl/functional/any_invocable.h"

namespace rapport {

class Round {
 public:
  // A round within a round is part of it.
  Round();
  ~Round();
  Round(const Round&) = delete;

  // Runs `task` at the end of this thread's round; at once where there is none.
  static void PutOff(absl::AnyInvocable<void()> task);

 private:
  const bool outermost_;
  std::vector<absl::AnyInvocable<void()>> tasks_;
};

}  // namespace rapport
