// Thousands of commands of all resources, many at a time: creations, corrections, deletions, verbs,
// repeats and what is refused.
#pragma once

#include <cstdint>

#include "services/runtime/rpc/call.h"

namespace rapport {

struct CommandCounts {
  int64_t done = 0;
  int64_t repeated = 0;
  int64_t refused = 0;
};

// The same seed asks for the same commands; how they interleave differs. Blocks until the last is
// answered.
CommandCounts RunRandomCommands(Handler& handler, uint64_t seed, int commands);

}  // namespace rapport
