// Whether a history is one that a server may have given which keeps its word: what is acknowledged
// is there, once, in one order that everybody sees, and whoever carries a token or asks for a
// strong read sees enough of it. README.md beside this says what each fault means.
//
// Time and memory grow with the length of the history, what reads show included; sorting apart.
// Threads: a pure function.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "tools/rapportctl/history/history.h"

namespace rapport::history {

enum class Fault : uint8_t {
  kLost,
  kDoubled,
  kReordered,
  kTorn,
  kStaleStrong,
  kStaleUnderToken,
  kNonMonotonic,
};
inline constexpr int kFaults = 7;

// "stale-under-token".
const char* NameOf(Fault fault);

// Of each fault; more tell a reader no more.
inline constexpr int64_t kMaxExamples = 5;

struct Example {
  Fault fault;
  uint32_t operation;  // that is at fault
  std::string what;    // names it and the operation that it contradicts, with their lines
};

struct Verdict {
  std::array<std::array<int64_t, kOutcomes>, kKinds> operations{};  // how many, by kind and outcome
  std::array<int64_t, kFaults> faults{};                            // operations that have it
  std::vector<Example> examples;
  // Acknowledged appends for which no read was bound to look: their loss would not be seen.
  int64_t unchecked = 0;

  bool clean() const { return faults == std::array<int64_t, kFaults>{}; }
};

Verdict Verify(const History& history);

}  // namespace rapport::history
