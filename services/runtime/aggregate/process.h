// Processes: what follows, in other resources and services, from a fact that was recorded.
//
//   ProcessSpec{.name = "recovery", .source = "service", .plural = "cases", .react = …}
//
// `react` is as pure as a domain: a fact in, requests out. They are ordinary calls, under request
// ids that follow from the fact and the process (own_request_id.h), so that a process may act upon
// a fact again without anything happening twice. How far it has acted is a record of the reacting
// service's own log, so that neither a restart nor a rebuild acts anew; facts that nothing followed
// from may be looked at again after a crash. A process that is switched on starts at the end of its
// source. Who lost the partition goes on where its log says, once it has the partition again.
//
// UNAVAILABLE and the like are tried again and hold up what follows for that root, and after
// kMaxReactionRecords the process in that partition; a refusal for good is recorded and counted.
// Until it is recorded the command may be sent anew, and be accepted, after those that follow it;
// so it may by an owner that was deposed and has not noticed, even later.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "rapport/log/v1/process.pb.h"
#include "services/runtime/aggregate/shard.h"

namespace rapport {

// Records of the source that are acted upon at once, in one partition.
inline constexpr size_t kMaxReactionRecords = 256;
// The cursor is recorded at least after so many records, wanted or not.
inline constexpr Offset kMaxUnrecorded = 4'096;

// One command: all but its request id.
struct Reaction {
  std::string method;  // rapport.sales.v1.Sales.CreateActivity
  std::unique_ptr<Message> request;
};

struct ProcessSpec {
  std::string name;    // stored; fixed for ever
  std::string source;  // the service whose facts it acts upon, which must be joined: "service"
  std::string plural;  // facts about these resources: "cases"
  // `parts` hold the fact itself already, and maybe later ones. A failure is tried again.
  std::function<absl::StatusOr<std::vector<Reaction>>(const log::v1::Record& fact,
                                                      const Parts& parts)>
      react;
};

struct ProcessFigures {
  size_t sent = 0;     // commands that were acknowledged
  size_t refused = 0;  // for good
};

struct ProcessOptions {
  const ProcessSpec* spec = nullptr;
  TopicPartition source;
  Shard* shard = nullptr;  // of the reacting service, and of the same number
  EventLog* log = nullptr;
  Handler* peers = nullptr;  // answers the methods of all services
  Executor* executor = nullptr;
  std::string secret;  // of the reacting service
  std::function<void(const ProcessFigures&)> on_acted;
};

// One process in one partition. Only who takes itself for the owner acts.
// Threads: Tick and Stop from one thread; the rest is inside.
class Process {
 public:
  explicit Process(ProcessOptions options) : options_(std::move(options)) {}

  // Acts upon what is new. Returns at once.
  void Tick();
  // Whether its beginning is recorded, so that facts from here on will be acted upon; or that is
  // for another instance to do.
  bool settled() const { return switched_on_ || options_.shard->state() != Shard::State::kServing; }
  // Waits for what is under way; nothing is begun afterwards.
  void Stop();

 private:
  struct Step {
    Reaction reaction;
    std::string root;
    int64_t sequence = 0;
    std::string request_id;
  };
  // The steps of one root, one after another.
  using Chain = std::deque<Step>;

  void Run();
  bool StillOwns() const;
  absl::StatusOr<bool> LoadCursor();
  void SwitchOn();
  absl::Status ReadFacts();
  absl::Status React(const log::v1::Record& fact);
  std::string RequestId(const log::v1::Record& fact, size_t index) const;
  void Send(std::vector<Chain*> chains);
  void SendFirst(Chain* chain);
  void Take(Chain* chain, const Reply& reply);
  void Sent();
  void Advance();
  void Rest(int ticks);
  void Forget();

  const ProcessOptions options_;

  // Of the one task that runs while busy_.
  bool loaded_ = false;
  Offset claim_ = -1;  // of the shard, under which the rest was loaded
  Position cursor_;
  Offset recorded_ = 0;  // the cursor that the log has

  std::atomic<bool> switched_on_{false};

  std::mutex mutex_;
  std::condition_variable rested_;
  bool busy_ = false;
  bool stopping_ = false;
  int rest_ticks_ = 0;
  std::map<std::string, Chain> chains_;  // by root; ordered, so that a seed plays the same again
  size_t under_way_ = 0;                 // chains that wait for an answer
  std::vector<Chain*> held_up_;
  log::v1::ProcessAdvanced advanced_;
  ProcessFigures figures_;
};

}  // namespace rapport
