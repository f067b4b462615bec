// Histories of a store that keeps its word, made up from a seed, and what a broken one would show.
#pragma once

#include <functional>
#include <random>
#include <vector>

#include "tests/unit/rapportctl/history/recorded.h"

namespace rapport::history {

using Random = std::mt19937_64;

// What happened, and what the recording client cannot know.
struct Made {
  std::vector<Recorded> operations;
  std::vector<size_t> required;  // operation -> how many tokens it had to see, as a read
};

// Processes on two hosts whose clocks differ append and read a few keys. Some appends fail, some
// are never answered and are done, late or not at all; a plain read may be old, as far as its token
// lets it. A strong read of every key is the end.
Made MakeHistory(Random& random);

// One thing that must not be; false where this history has no place for it.
using Damage = std::function<bool(Random&, Made&)>;

// A read lacks one of the tokens that it had to see, and that another shows: an unknown append that
// nobody else saw was perhaps never done.
bool Drop(Random& random, Made& made);
// A read shows a token twice.
bool Duplicate(Random& random, Made& made);
// A read shows two tokens the other way round, which another shows as well.
bool Swap(Random& random, Made& made);
// All reads show two tokens the other way round, of which one was acknowledged before the other was
// begun.
bool SwapForAll(Random& random, Made& made);
// A read shows half an append.
bool Tear(Random& random, Made& made);
// A read shows what nobody appended.
bool Invent(Random& random, Made& made);
// A read is older than it may be.
bool MakeStale(Random& random, Made& made);

}  // namespace rapport::history
