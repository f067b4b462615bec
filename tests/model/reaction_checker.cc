#include "tests/model/reaction_checker.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace rapport::model {
namespace {

using log::v1::Record;

// As the process takes it: for good.
bool IsRefusal(const absl::Status& status) {
  return absl::IsFailedPrecondition(status) || absl::IsNotFound(status);
}

Violation Wrong(std::string what) {
  return {Promise::kReactedOnce, std::move(what)};
}

}  // namespace

Violation ReactionChecker::Broken(absl::string_view what, const Consequence& consequence) {
  const auto& [root, sequence, method] = consequence.key;
  return Wrong(absl::StrCat(method, " upon offset ", consequence.fact, ", sequence ", sequence,
                            " of ", root, ": ", what));
}

std::optional<Violation> ReactionChecker::Check() {
  const History& history = *evidence_.history;
  for (const auto& attempt : history.attempts) {
    if (!attempt.sender) continue;
    const auto following = FollowingOf(*history.operations[attempt.operation].request);
    if (!following) return Wrong("the process sends what follows from nothing");
    sendings_[KeyOf(*following)].push_back(&attempt);
  }
  Validity validity;
  Record record;
  for (const auto& landed : evidence_.log) {
    if (!record.ParseFromString(landed.entry.bytes)) continue;
    if (!validity.Admit(landed.entry.offset, record)) continue;
    if (Found found = Fold(landed.entry.offset, record)) {
      found->what = absl::StrCat("offset ", landed.entry.offset, ": ", found->what);
      return found;
    }
  }
  if (Found found = CheckSendings()) return found;
  return CheckEnd();
}

ReactionChecker::Found ReactionChecker::Fold(Offset offset, const Record& record) {
  if (record.kind() == Record::PROCESS_ADVANCED) return Advance(offset, record);
  if (record.kind() != Record::EVENT) return std::nullopt;
  ++facts_[record.root()];
  for (const auto& method : WhatFollows(record)) {
    const Key key(record.root(), record.sequence(), method);
    index_[key] = consequences_.size();
    consequences_.push_back({.key = key, .fact = offset});
  }
  const auto following = FollowingOf(record);
  return following ? TakeEffect(*following) : std::nullopt;
}

ReactionChecker::Found ReactionChecker::TakeEffect(const Following& following) {
  const auto known = index_.find(KeyOf(following));
  if (known == index_.end()) return Wrong("it follows from no fact");
  const size_t index = known->second;
  Consequence& consequence = consequences_[index];
  if (std::exchange(consequence.happened, true)) return Broken("twice", consequence);
  if (first_ < 0 || consequence.fact < first_) return Broken("of an old fact", consequence);
  if (consequence.refused && !WasSentByAnother(consequence)) {
    return Broken("its refusal is recorded", consequence);
  }
  if (following.seen < following.sequence || following.seen >= facts_[following.root]) {
    return Broken(absl::StrCat("it saw ", following.seen, " facts"), consequence);
  }
  size_t& latest = latest_.emplace(following.root, index).first->second;
  if (latest > index && !WasRefused(consequence)) {
    return Broken("it comes too late", consequence);
  }
  latest = std::max(latest, index);
  return std::nullopt;
}

ReactionChecker::Found ReactionChecker::Advance(Offset offset, const Record& record) {
  log::v1::ProcessAdvanced advanced;
  if (!advanced.ParseFromString(record.value())) return Wrong("a cursor that cannot be read");
  if (first_ < 0) {
    first_ = advanced.first_offset();
    if (first_ < evidence_.process_began || first_ > offset) {
      return Wrong(absl::StrCat("the process begins at ", first_, " and was there from ",
                                evidence_.process_began));
    }
  }
  if (advanced.first_offset() != first_) return Wrong("another beginning");
  const Offset next = advanced.cursor().next_offset();
  if (next < cursor_ || next > offset) {
    return Wrong(absl::StrCat("the cursor goes from ", cursor_, " to ", next));
  }
  cursor_ = next;
  for (const auto& refused : advanced.refused()) {
    if (Found found = TakeRefusal(record.claim_offset(), refused)) return found;
  }
  for (; passed_ < consequences_.size() && consequences_[passed_].fact < cursor_; ++passed_) {
    const Consequence& one = consequences_[passed_];
    if (one.fact >= first_ && !one.happened && !one.refused) return Broken("passed over", one);
  }
  return std::nullopt;
}

ReactionChecker::Found ReactionChecker::TakeRefusal(Offset claim,
                                                    const log::v1::RefusedReaction& refused) {
  const auto known = index_.find({refused.root(), refused.sequence(), refused.method()});
  if (known == index_.end()) return Wrong("what follows from no fact is recorded as refused");
  Consequence& consequence = consequences_[known->second];
  if (std::exchange(consequence.refused, true)) return Broken("refused twice", consequence);
  consequence.refused_by = claim;
  if (!WasRefused(consequence)) return Broken("nobody refused it", consequence);
  if (consequence.happened && !WasSentByAnother(consequence)) {
    return Broken("recorded as refused, and happened", consequence);
  }
  return std::nullopt;
}

// Who knows that a fact was acted upon leaves it alone.
ReactionChecker::Found ReactionChecker::CheckSendings() const {
  for (const auto& [key, attempts] : sendings_) {
    const auto known = index_.find(key);
    if (known == index_.end()) return Wrong("the process acts upon what is no fact");
    const Consequence& consequence = consequences_[known->second];
    for (const Attempt* attempt : attempts) {
      if (consequence.fact < attempt->sender->cursor) {
        return Broken("sent anew by who had recorded it", consequence);
      }
    }
  }
  return std::nullopt;
}

ReactionChecker::Found ReactionChecker::CheckEnd() const {
  if (evidence_.process_began < 0) return std::nullopt;
  if (first_ < 0) return Violation{Promise::kProgress, "the process is never switched on"};
  for (const auto& one : consequences_) {
    if (one.fact < first_ || one.happened || one.refused) continue;
    return Violation{Promise::kProgress, Broken("it never happens", one).what};
  }
  return std::nullopt;
}

// What was refused once, and sent anew because nobody could record it, may come after others.
bool ReactionChecker::WasRefused(const Consequence& consequence) const {
  const auto found = sendings_.find(consequence.key);
  return found != sendings_.end() &&
         std::any_of(found->second.begin(), found->second.end(), [](const Attempt* attempt) {
           return attempt->answered != 0 && IsRefusal(attempt->reply.status);
         });
}

// A deposed owner that has not noticed sends what its successor recorded as refused.
bool ReactionChecker::WasSentByAnother(const Consequence& consequence) const {
  const auto found = sendings_.find(consequence.key);
  return found != sendings_.end() &&
         std::any_of(found->second.begin(), found->second.end(), [&](const Attempt* attempt) {
           return attempt->sender->claim != consequence.refused_by;
         });
}

}  // namespace rapport::model
