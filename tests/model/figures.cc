#include "tests/model/figures.h"

namespace rapport::model {

void Figures::Add(const Figures& other) {
  operations += other.operations;
  done += other.done;
  repeats += other.repeats;
  refusals += other.refusals;
  unknown += other.unknown;
  strong_reads += other.strong_reads;
  timers += other.timers;
  reactions += other.reactions;
  refused_reactions += other.refused_reactions;
  cursors += other.cursors;
  events += other.events;
  settled += other.settled;
  claims += other.claims;
  void_records += other.void_records;
  crashes += other.crashes;
  pauses += other.pauses;
  failed_writes += other.failed_writes;
}

std::ostream& operator<<(std::ostream& out, const Figures& f) {
  return out << f.operations << " commands, " << f.done << " done, " << f.repeats << " repeats, "
             << f.refusals << " refusals, " << f.unknown << " unknown, " << f.strong_reads
             << " strong reads, " << f.timers << " timers, " << f.reactions << " reactions, "
             << f.refused_reactions << " refused for good, " << f.cursors << " cursors; "
             << f.events << " events, " << f.settled << " settled, " << f.claims << " claims, "
             << f.void_records << " void; " << f.crashes << " crashes, " << f.pauses << " pauses, "
             << f.failed_writes << " failed writes";
}

}  // namespace rapport::model
