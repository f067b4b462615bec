// Each key's list in the order of the log, as far as reads say it, and where each token stands in
// it. Threads: immutable.
#pragma once

#include <vector>

#include "tools/rapportctl/history/history.h"

namespace rapport::history {

// One behind the last place that an operation shows or appends; 0 is none.
struct Reach {
  uint32_t agreed = 0;  // of what the longest read shows
  uint32_t beyond = 0;  // of what it lacks
};

// A read that is right shows the beginning of its key's list, so the longest shows all that any
// does. Where some read is wrong, tokens stand behind that which the longest lacks: what others
// show, and what was acknowledged.
struct Lists {
  explicit Lists(const History& history);

  std::vector<std::vector<uint32_t>> tokens;  // key -> its list
  std::vector<uint32_t> agreed;               // key -> how many of them the longest read shows
  std::vector<uint32_t> longest;              // key -> that read, or kNone
  std::vector<uint32_t> place;                // token -> where it stands, or kNone
  // operation -> how much of the list there is at least when it is answered ok.
  std::vector<Reach> reach;

 private:
  void LayOut(const History& history, uint32_t key);
  void FindLongest(const History& history, uint32_t key);
  void Place(uint32_t key, uint32_t token);
  void Extend(uint32_t key, uint32_t token, Reach* reach) const;

  std::vector<uint32_t> seen_in_;  // token -> the read that was last seen to show it
};

}  // namespace rapport::history
