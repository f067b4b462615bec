#include "tools/rapportctl/history/verify_history.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "tools/rapportctl/history/lists.h"
#include "tools/rapportctl/history/needs.h"

namespace rapport::history {
namespace {

class Verifier {
 public:
  explicit Verifier(const History& history)
      : history_(history),
        lists_(history),
        strong_needs_(NeedsOfStrongReads(history, lists_)),
        token_needs_(NeedsUnderTokens(history, lists_)),
        faults_of_(history.operations.size()),
        seen_in_(history.tokens.size(), kNone) {}

  Verdict Run() && {
    for (const auto& operation : history_.operations) {
      ++verdict_.operations[static_cast<int>(operation.kind)][static_cast<int>(operation.outcome)];
    }
    for (const Torn& torn : history_.torn) {
      Blame(Fault::kTorn, torn.operation,
            absl::StrCat(" shows different fields of one append: ", torn.fields));
    }
    for (uint32_t key = 0; key < history_.keys.size(); ++key) VerifyKey(key);
    return std::move(verdict_);
  }

 private:
  // A read shows a token that its key's longest read lacks.
  struct Extra {
    uint32_t read;
    uint32_t token;
  };

  void VerifyKey(uint32_t key) {
    shown_last_.clear();
    extras_.clear();
    uint32_t looked_for = 0;
    for (const uint32_t index : history_.OfKey(key)) {
      const Operation& operation = history_.operations[index];
      if (!operation.reads()) VerifyAppendUnderToken(index);
      if (!operation.reads() || !operation.ok()) continue;
      VerifyRead(index);
      for (const Needs& needs : {strong_needs_[index], token_needs_[index]}) {
        looked_for = std::max({looked_for, needs.agreed.reach, needs.beyond.reach});
      }
    }
    for (const Extra& extra : extras_) VerifyExtra(key, extra);
    VerifyOrderInTime(key);
    for (const uint32_t index : history_.OfKey(key)) {
      const Operation& operation = history_.operations[index];
      const bool acknowledged = operation.ok() && !operation.reads();
      if (acknowledged && lists_.place[operation.token] >= looked_for) ++verdict_.unchecked;
    }
  }

  void VerifyRead(uint32_t index) {
    const Operation& read = history_.operations[index];
    const uint32_t agreed = lists_.agreed[read.key];
    uint32_t reach = 0;  // of the list on which the longest read agrees
    uint32_t count = 0;
    uint32_t extra = kNone;
    for (const uint32_t token : history_.Shown(read)) {
      if (seen_in_[token] == index) {
        Blame(Fault::kDoubled, index, absl::StrCat(" shows ", Quoted(token), " twice"));
        continue;
      }
      seen_in_[token] = index;
      if (!history_.MayShow(read.key, token)) {
        BlameForToken(index, token);
        continue;
      }
      const Operation& append = history_.operations[history_.append_of[token]];
      if (History::Follows(append, read)) {
        Blame(Fault::kReordered, index,
              absl::StrCat(" shows ", Quoted(token), " before ", Named(append), " appended it"));
      }
      const uint32_t place = lists_.place[token];
      if (place >= agreed) {
        extra = token;
        continue;
      }
      ++count;
      if (place + 1 < reach) BlameForOrder(index, token, reach - 1);
      reach = std::max(reach, place + 1);
    }
    if (extra != kNone) extras_.push_back({index, extra});
    VerifyNeeds(index, reach, count);
  }

  // What the read must show and does not; `reach` and `count` are of what it shows.
  void VerifyNeeds(uint32_t index, uint32_t reach, uint32_t count) {
    const Operation& read = history_.operations[index];
    const Needs& strong = strong_needs_[index];
    const Needs& under_token = token_needs_[index];
    const auto lacks = [&](const Need& beyond) {
      return beyond.reach > 0 && seen_in_[lists_.tokens[read.key][beyond.reach - 1]] != index;
    };
    const auto blame_under_token = [&](const Need& need) {
      BlameForStale(index, StaleFault(read, need), need);
    };
    if (reach < strong.agreed.reach) {
      return BlameForStale(index, Fault::kStaleStrong, strong.agreed);
    }
    if (lacks(strong.beyond)) return BlameForStale(index, Fault::kStaleStrong, strong.beyond);
    if (reach < under_token.agreed.reach) return blame_under_token(under_token.agreed);
    if (lacks(under_token.beyond)) return blame_under_token(under_token.beyond);
    if (count == reach) return;
    // A gap: what stands behind it was seen, so it was there.
    const auto& list = lists_.tokens[read.key];
    uint32_t place = 0;
    while (seen_in_[list[place]] == index) ++place;
    const uint32_t longest = lists_.longest[read.key];
    const Fault fault = place < strong.agreed.reach        ? Fault::kStaleStrong
                        : place < under_token.agreed.reach ? Fault::kStaleUnderToken
                                                           : Fault::kReordered;
    Blame(ShownLater(list[place], read) ? fault : Fault::kLost, index,
          absl::StrCat(" shows ", Quoted(list[reach - 1]), " without ", Quoted(list[place]),
                       ", which stands before it in ", Named(history_.operations[longest])));
  }

  Fault StaleFault(const Operation& read, const Need& need) const {
    const Operation& source = history_.operations[need.source];
    return source.reads() && source.process == read.process ? Fault::kNonMonotonic
                                                            : Fault::kStaleUnderToken;
  }

  void BlameForStale(uint32_t index, Fault fault, const Need& need) {
    const Operation& read = history_.operations[index];
    const uint32_t token = lists_.tokens[read.key][need.reach - 1];
    const bool later = ShownLater(token, read);
    const Operation& source = history_.operations[need.source];
    Blame(later ? fault : Fault::kLost, index,
          absl::StrCat(" lacks ", Quoted(token), ", which ", Named(source),
                       source.reads() ? " showed" : " appended",
                       fault == Fault::kStaleStrong ? " before it was begun"
                                                    : " and the token that it carried covers",
                       later ? "; a later read shows it" : "; no later read shows it"));
  }

  // Who is wrong of two that disagree, is already blamed where it lacked what it had to show.
  void VerifyExtra(uint32_t key, const Extra& extra) {
    constexpr uint8_t kLacking = 1 << static_cast<int>(Fault::kLost) |
                                 1 << static_cast<int>(Fault::kStaleStrong) |
                                 1 << static_cast<int>(Fault::kStaleUnderToken) |
                                 1 << static_cast<int>(Fault::kNonMonotonic);
    const uint32_t longest = lists_.longest[key];
    if (((faults_of_[extra.read] | faults_of_[longest]) & kLacking) != 0) return;
    const Operation& read = history_.operations[extra.read];
    const bool later = History::Follows(read, history_.operations[longest]);
    Blame(later ? Fault::kReordered : Fault::kLost, longest,
          absl::StrCat(" lacks ", Quoted(extra.token), ", which ", Named(read),
                       " shows in a shorter list"));
  }

  // An append that was acknowledged before another was begun stands before it.
  void VerifyOrderInTime(uint32_t key) {
    first_done_.clear();
    for (uint32_t place = lists_.agreed[key]; place-- > 0;) {
      const uint32_t index = history_.append_of[lists_.tokens[key][place]];
      const Operation& append = history_.operations[index];
      const auto behind = first_done_.find(append.host);
      if (behind != first_done_.end()) {
        const Operation& earlier = history_.operations[behind->second];
        if (History::Follows(append, earlier)) BlameForPlace(index, earlier, "was begun after");
      }
      const auto first = first_done_.emplace(append.host, index).first;
      if (append.completed < history_.operations[first->second].completed) first->second = index;
    }
  }

  void VerifyAppendUnderToken(uint32_t index) {
    const Operation& append = history_.operations[index];
    const Need& need = token_needs_[index].agreed;
    // Where nobody saw it, it stands behind all.
    if (lists_.place[append.token] >= need.reach) return;
    BlameForPlace(index, history_.operations[need.source], "carried a token that covers");
  }

  void BlameForPlace(uint32_t index, const Operation& earlier, absl::string_view why) {
    const uint32_t longest = lists_.longest[history_.operations[index].key];
    Blame(Fault::kReordered, index,
          absl::StrCat(" ", why, " the answer of ", Named(earlier), " and stands before it in ",
                       Named(history_.operations[longest])));
  }

  void BlameForOrder(uint32_t index, uint32_t token, uint32_t place) {
    const Operation& read = history_.operations[index];
    Blame(Fault::kReordered, index,
          absl::StrCat(" shows ", Quoted(lists_.tokens[read.key][place]), " before ", Quoted(token),
                       ", unlike ", Named(history_.operations[lists_.longest[read.key]])));
  }

  void BlameForToken(uint32_t index, uint32_t token) {
    const uint32_t append = history_.append_of[token];
    const Operation* by = append == kNone ? nullptr : &history_.operations[append];
    const bool here = by != nullptr && by->key == history_.operations[index].key;
    Blame(Fault::kTorn, index,
          absl::StrCat(" shows ", Quoted(token),
                       by == nullptr ? ", which nobody appended"
                       : here        ? absl::StrCat(", whose append by ", Named(*by), " failed")
                              : absl::StrCat(", which ", Named(*by), " appended to another key")));
  }

  // Whether a read that was begun after `read` had its answer shows the token.
  bool ShownLater(uint32_t token, const Operation& read) {
    if (shown_last_.empty()) {
      for (const uint32_t index : history_.OfKey(read.key)) {
        const Operation& other = history_.operations[index];
        for (const uint32_t shown : history_.Shown(other)) {
          int64_t& last =
              shown_last_.emplace(std::pair(shown, other.host), other.invoked).first->second;
          last = std::max(last, other.invoked);
        }
      }
    }
    const auto last = shown_last_.find({token, read.host});
    return last != shown_last_.end() && last->second > read.completed;
  }

  // Once for each fault and operation: a read that lacks ten tokens is one stale read.
  void Blame(Fault fault, uint32_t index, absl::string_view what) {
    const int number = static_cast<int>(fault);
    if ((faults_of_[index] >> number & 1) != 0) return;
    faults_of_[index] |= 1 << number;
    if (++verdict_.faults[number] > kMaxExamples) return;
    const Operation& operation = history_.operations[index];
    verdict_.examples.push_back(
        {fault, index, absl::StrCat(history_.keys[operation.key], ": ", Named(operation), what)});
  }

  std::string Quoted(uint32_t token) const {
    return absl::StrCat("\"", history_.tokens[token], "\"");
  }

  // "op 17 (strong read, clients.ndjson:34)": a read's line is its answer's.
  std::string Named(const Operation& operation) const {
    constexpr const char* kNames[] = {"append", "read", "strong read"};
    return absl::StrCat("op ", history_.ids[operation.id], " (",
                        kNames[static_cast<int>(operation.kind)], ", ",
                        history_.files[operation.file], ":",
                        operation.reads() ? operation.answer_line : operation.line, ")");
  }

  const History& history_;
  const Lists lists_;
  const std::vector<Needs> strong_needs_;
  const std::vector<Needs> token_needs_;
  std::vector<uint8_t> faults_of_;  // operation -> a bit for each
  std::vector<uint32_t> seen_in_;   // token -> the read that was last seen to show it
  Verdict verdict_;
  // Of the key that is looked at:
  std::vector<Extra> extras_;
  absl::flat_hash_map<uint32_t, uint32_t>
      first_done_;  // host -> the append that was answered first
  // Token and host -> when the last read that shows it was begun; filled when first asked for.
  absl::flat_hash_map<std::pair<uint32_t, uint32_t>, int64_t> shown_last_;
};

}  // namespace

const char* NameOf(Fault fault) {
  switch (fault) {
    case Fault::kLost:
      return "lost";
    case Fault::kDoubled:
      return "doubled";
    case Fault::kReordered:
      return "reordered";
    case Fault::kTorn:
      return "torn";
    case Fault::kStaleStrong:
      return "stale-strong";
    case Fault::kStaleUnderToken:
      return "stale-under-token";
    case Fault::kNonMonotonic:
      return "non-monotonic";
  }
  return "";
}

Verdict Verify(const History& history) {
  return Verifier(history).Run();
}

}  // namespace rapport::history
