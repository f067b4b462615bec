// An event log within a simulation: a broker that keeps what landed, and for every process a
// connection that may lose, delay, tear or double what is sent over it, and the answers.
//
//   SimulatedLog broker(&simulation, {.lost = 0.1, .late = 0.1});
//   std::unique_ptr<EventLog> log = broker.Connect(&host);
//
// What a connection promises is what log.h says and no more: a success was landed in order, and
// anything else may land in part, twice, later or never. Reads and ends are never stale.
// Threads: the simulation's one.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/runtime/log/log.h"
#include "services/runtime/log/simulated/simulation.h"

namespace rapport {

// Chances, 0 to 1.
struct SimulatedFaults {
  // Of an append or a claim.
  double full = 0;        // refused with RESOURCE_EXHAUSTED, nothing lands
  double lost = 0;        // nothing lands, and nobody says so
  double torn = 0;        // only the first records land
  double holed = 0;       // any of the records land
  double late = 0;        // any land after the writer gave up, or with what it sends next
  double twice = 0;       // all land, and any of them again later
  double parted = 0;      // all land, with time for others between them
  double unanswered = 0;  // all land, and the answer is lost
  double slow = 0;        // all land, and the answer takes about as long as the writer waits;
                          // answers about the end, too
  // Of an answer, to come a second time; the connection ignores it.
  double doubled_answer = 0;
  // Of a look at the end, and of a read.
  double end_failed = 0;
  double read_failed = 0;
  double read_short = 0;
};

class SimulatedLog {
 public:
  // A writer's patience: from then on the outcome is unknown.
  static constexpr absl::Duration kTimeout = absl::Milliseconds(30);

  SimulatedLog(Simulation* simulation, SimulatedFaults faults)
      : simulation_(simulation), faults_(faults) {}

  // The log as a process sees it. Broker and host outlive the connection.
  std::unique_ptr<EventLog> Connect(Host* host);

  void set_faults(const SimulatedFaults& faults) { faults_ = faults; }

  // What landed, in its order, and at which step of the simulation.
  struct Landed {
    std::string bytes;
    int64_t step = 0;
  };
  const std::vector<Landed>& Records(const TopicPartition& partition) {
    return PartitionOf(partition).records;
  }
  // Lands a record without a connection, for writers that are not what is tried.
  Offset Land(const TopicPartition& partition, std::string bytes);

 private:
  class Connection;
  struct Partition {
    std::vector<Landed> records;
    std::vector<std::function<void()>> watchers;
  };

  Partition& PartitionOf(const TopicPartition& p) { return partitions_[{p.topic, p.partition}]; }

  Simulation* const simulation_;
  SimulatedFaults faults_;
  std::map<std::pair<std::string, int>, Partition> partitions_;
};

}  // namespace rapport
