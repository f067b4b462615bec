// What clients asked of a server and were answered: appends of tokens to keys, and reads of a key's
// list. README.md beside this says how it is written down; reader.h reads it.
//
// Everything with a name (operations, processes, hosts, keys, tokens) is a number here, from 0.
// Threads: immutable once it was read.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace rapport::history {

inline constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();
// The time of an answer that nobody got.
inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

// Names and their numbers.
class Names {
 public:
  uint32_t NumberOf(absl::string_view name) {
    const auto known = numbers_.find(name);
    if (known != numbers_.end()) return known->second;
    names_.emplace_back(name);
    return numbers_.emplace(names_.back(), static_cast<uint32_t>(names_.size() - 1)).first->second;
  }
  const std::string& operator[](uint32_t number) const { return names_[number]; }
  size_t size() const { return names_.size(); }

 private:
  std::deque<std::string> names_;  // where they stand they stay
  absl::flat_hash_map<absl::string_view, uint32_t> numbers_;
};

enum class Kind : uint8_t { kAppend, kRead, kStrongRead };
inline constexpr int kKinds = 3;

// Unknown is also what was never answered: it may have been done, or be done yet.
enum class Outcome : uint8_t { kOk, kFailed, kUnknown };
inline constexpr int kOutcomes = 3;

struct Operation {
  Kind kind = Kind::kAppend;
  Outcome outcome = Outcome::kUnknown;
  uint32_t id = 0;
  uint32_t process = 0;
  uint32_t host = 0;  // whose clock the times are of
  uint32_t key = 0;
  uint32_t token = kNone;  // an append's
  uint32_t file = 0;
  uint32_t line = 0;         // of the invocation, from 1
  uint32_t answer_line = 0;  // 0 without an answer
  int64_t invoked = 0;
  int64_t completed = kNever;
  size_t after_begin = 0;
  size_t shown_begin = 0;
  uint32_t after_count = 0;
  uint32_t shown_count = 0;

  bool ok() const { return outcome == Outcome::kOk; }
  bool reads() const { return kind != Kind::kAppend; }
};

// An append of several fields of which a read shows different tokens.
struct Torn {
  uint32_t operation = 0;
  std::string fields;
};

struct History {
  std::vector<std::string> files;
  Names ids, processes, hosts, keys, tokens;
  std::vector<Operation> operations;
  std::vector<uint32_t> append_of;  // token -> the operation that appends it, or kNone
  std::vector<uint32_t> after;      // operations, as the spans below
  std::vector<uint32_t> shown;      // tokens, as the spans below
  std::vector<Torn> torn;
  // All operations such that each stands behind those whose consistency tokens it carried.
  std::vector<uint32_t> causal_order;
  std::vector<uint32_t> by_key;  // all operations, those of one key side by side
  std::vector<size_t> key_begin;

  // The operations whose answers' consistency tokens it carried.
  std::span<const uint32_t> After(const Operation& operation) const {
    return {after.data() + operation.after_begin, operation.after_count};
  }
  // What a read was answered, in the order of the answer.
  std::span<const uint32_t> Shown(const Operation& operation) const {
    return {shown.data() + operation.shown_begin, operation.shown_count};
  }
  std::span<const uint32_t> OfKey(uint32_t key) const {
    return {by_key.data() + key_begin[key], key_begin[key + 1] - key_begin[key]};
  }
  // Whether a list of `key` may show `token`: it was appended there, and did not certainly fail.
  bool MayShow(uint32_t key, uint32_t token) const {
    const uint32_t append = append_of[token];
    return append != kNone && operations[append].key == key &&
           operations[append].outcome != Outcome::kFailed;
  }
  // Whether `later` was begun after `earlier` had its answer, as far as one clock can tell.
  static bool Follows(const Operation& later, const Operation& earlier) {
    return later.host == earlier.host && earlier.completed < later.invoked;
  }
};

}  // namespace rapport::history
