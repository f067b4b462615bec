// Holds a run against its log: whether clients were told the truth, whether every record was
// decided upon the state that the log had, and whether projections say what it says.
//
// The log decides: its valid records are folded once, and at each of them the product's own Decide
// must come to the same event. An answer is justified if the log could give it at some moment
// between the command's arrival and the answer.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "google/protobuf/arena.h"
#include "services/runtime/log/validity.h"
#include "tests/model/history.h"
#include "tests/model/workload.h"

namespace rapport::model {

enum class Promise {
  kNothingLost,    // what was acknowledged is in the log
  kNothingTwice,   // one request id has one effect
  kInOrder,        // a record lies between its command's arrival and answer; sequences are gapless
  kFreshDecision,  // a record was decided upon the state that the log had before it
  kTrueAnswer,     // refusals, repeats and bodies are of the log between arrival and answer
  kStrongRead,     // a strong read sees whatever was acknowledged before it
  kProjection,     // a projection is what a fresh replay makes of the log
  kReactedOnce,    // what follows from a fact happens once, in order, and not upon old facts
  kProgress,       // when the faults end, commands are answered, processes act and shards stop
};
std::ostream& operator<<(std::ostream& out, Promise promise);

struct Violation {
  Promise promise;
  std::string what;
};

struct Landed {
  Entry entry;
  int64_t step = 0;
};

// What the log that the service follows says of a parent, and since when.
struct ParentLife {
  std::string root;
  bool lives = false;
  int64_t step = 0;
};

struct Evidence {
  const Product* product = nullptr;
  const History* history = nullptr;
  std::vector<Landed> log;
  std::vector<ParentLife> parents;
  absl::Time all_fired = absl::InfinitePast();  // timers that were due by then have fired
  Offset process_began = -1;  // the log's end when it was switched on; -1: there is none
};

// Threads: one.
class Checker {
 public:
  // The evidence outlives it.
  explicit Checker(const Evidence& evidence) : evidence_(evidence) {}

  // The first promise that was broken.
  std::optional<Violation> Check();

 private:
  using Found = std::optional<Violation>;
  // What is known of a resource from one record on; counted in records that were decided, from 1.
  struct Version {
    size_t since = 0;
    const google::protobuf::Message* state = nullptr;
    std::string bytes;
  };
  struct Decision {
    absl::Status status;
    bool decided = false;
    std::string event;
  };
  // Some of the moments in a log, both ends included.
  struct Window {
    size_t first = 0;
    size_t last = 0;
  };

  Found FoldLog();
  Found FoldRecord(const log::v1::Record& record, const Landed& landed);
  Found CheckAttempt(const Attempt& attempt);
  Found CheckDone(const Attempt& attempt, const Operation& operation);
  Found CheckRepeat(const Attempt& attempt, const Operation& operation);
  Found CheckRefusal(const Attempt& attempt, const Operation& operation);
  Found CheckRefusedOnly();
  Found CheckStrongReads();
  Found CheckTimers();

  const Version* VersionAt(const std::string& name, size_t moment) const;
  // At every moment of the window with a state of its own, until one is `right`.
  template <class Right>
  bool AnyMoment(const std::string& name, Window window, Right right) const;
  Decision DecideAt(const Operation& operation, const std::string& name,
                    const google::protobuf::Message* state,
                    const google::protobuf::Timestamp& time);
  bool ParentRefuses(const Attempt& attempt, const Operation& operation) const;
  bool WasMisused(const Operation& operation, size_t until) const;
  Window WindowOf(const Attempt& attempt) const;
  size_t EffectOf(size_t operation) const;
  std::string Describe(const Attempt& attempt) const;

  const Evidence& evidence_;
  google::protobuf::Arena arena_;
  absl::flat_hash_map<std::string, std::vector<size_t>> operations_;  // by root and request id
  absl::flat_hash_map<std::string, std::vector<Version>> versions_;   // by name
  absl::flat_hash_map<std::string, int64_t> sequences_;               // by root
  absl::flat_hash_map<size_t, size_t> effects_;                       // operation -> record
  std::vector<std::string> subjects_;                                 // of the records
  std::vector<int64_t> steps_;                                        // of the records
  std::vector<Offset> offsets_;                                       // of the records
  google::protobuf::Timestamp record_time_;
  std::vector<bool> done_;  // operations that somebody was told to have done
};

}  // namespace rapport::model
