// Holds a process to what it promises: from the moment it was switched on, whatever follows from a
// fact happens once, in the order of the facts of its root, or its refusal is recorded; upon older
// facts nothing happens, and what was recorded as done is not sent anew.
// Threads: one.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "rapport/log/v1/process.pb.h"
#include "tests/model/checker.h"
#include "tests/model/reactions.h"

namespace rapport::model {

class ReactionChecker {
 public:
  // The evidence outlives it.
  explicit ReactionChecker(const Evidence& evidence) : evidence_(evidence) {}

  // The first promise that was broken.
  std::optional<Violation> Check();

 private:
  using Found = std::optional<Violation>;
  using Key = std::tuple<std::string, int64_t, std::string>;  // root, sequence, method
  // One command that follows from a fact.
  struct Consequence {
    Key key;
    Offset fact = 0;
    bool happened = false;
    bool refused = false;
    Offset refused_by = 0;  // the claim of who recorded it
  };

  static Key KeyOf(const Following& following) {
    return {following.root, following.sequence, following.method};
  }
  static Violation Broken(absl::string_view what, const Consequence& consequence);

  Found Fold(Offset offset, const log::v1::Record& record);
  Found TakeEffect(const Following& following);
  Found Advance(Offset offset, const log::v1::Record& record);
  Found TakeRefusal(Offset claim, const log::v1::RefusedReaction& refused);
  Found CheckSendings() const;
  Found CheckEnd() const;
  bool WasRefused(const Consequence& consequence) const;
  bool WasSentByAnother(const Consequence& consequence) const;

  const Evidence& evidence_;
  std::map<Key, std::vector<const Attempt*>> sendings_;
  std::vector<Consequence> consequences_;  // in the order of their facts
  std::map<Key, size_t> index_;            // of consequences
  std::map<std::string, int64_t> facts_;   // of a root, how many there are
  std::map<std::string, size_t> latest_;   // of a root, the consequence that happened last
  size_t passed_ = 0;                      // consequences of facts before the cursor
  Offset first_ = -1;                      // the first fact to act upon; -1: not switched on
  Offset cursor_ = 0;
};

}  // namespace rapport::model
