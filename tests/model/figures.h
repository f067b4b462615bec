// What a run met; a run that meets nothing proves nothing.
#pragma once

#include <cstdint>
#include <ostream>

namespace rapport::model {

struct Figures {
  int64_t operations = 0;
  int64_t done = 0;
  int64_t repeats = 0;
  int64_t refusals = 0;
  int64_t unknown = 0;
  int64_t strong_reads = 0;
  int64_t timers = 0;             // that acted
  int64_t reactions = 0;          // commands of the process that were done
  int64_t refused_reactions = 0;  // for good, as it is recorded
  int64_t cursors = 0;            // that the process recorded
  int64_t events = 0;
  int64_t settled = 0;
  int64_t claims = 0;
  int64_t void_records = 0;
  int64_t crashes = 0;
  int64_t pauses = 0;
  int64_t failed_writes = 0;

  void Add(const Figures& other);
};
std::ostream& operator<<(std::ostream& out, const Figures& figures);

}  // namespace rapport::model
