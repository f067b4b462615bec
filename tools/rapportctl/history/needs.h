// How much of a list each read must show.
#pragma once

#include <vector>

#include "tools/rapportctl/history/covers.h"
#include "tools/rapportctl/history/lists.h"

namespace rapport::history {

struct Needs {
  Need agreed;  // of what the longest read shows: all up to there
  Need beyond;  // of what it lacks: this one token
};

// operation -> what a strong read must show: all that was acknowledged or read before it was begun.
std::vector<Needs> NeedsOfStrongReads(const History& history, const Lists& lists);

// operation -> what the token that it carried covers of its key. An append is in the log behind it.
std::vector<Needs> NeedsUnderTokens(const History& history, const Lists& lists);

}  // namespace rapport::history
