#include "tests/model/checker.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/runtime/aggregate/standard.h"
#include "services/runtime/base/ids.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/resource_name.h"
#include "services/runtime/base/time.h"

namespace rapport::model {
namespace {

using google::protobuf::Message;
using google::protobuf::Timestamp;
using log::v1::Record;

std::string RequestKey(const std::string& root, const std::string& request_id) {
  return absl::StrCat(root, "\n", request_id);
}

bool SameRefusal(const absl::Status& left, const absl::Status& right) {
  return left.code() == right.code() && left.message() == right.message();
}

}  // namespace

std::ostream& operator<<(std::ostream& out, Promise promise) {
  constexpr const char* kNames[] = {"nothing acknowledged is lost",
                                    "nothing is applied twice",
                                    "nothing is reordered",
                                    "nothing is decided on a stale state",
                                    "answers are what the log says",
                                    "a strong read is fresh",
                                    "a projection is a replay of its log",
                                    "what follows from a fact happens once",
                                    "when faults end, work goes on"};
  return out << kNames[static_cast<int>(promise)];
}

std::optional<Violation> Checker::Check() {
  const History& history = *evidence_.history;
  for (size_t i = 0; i < history.operations.size(); ++i) {
    const Operation& operation = history.operations[i];
    operations_[RequestKey(operation.root, operation.request_id)].push_back(i);
  }
  done_.resize(history.operations.size());
  if (Found found = FoldLog()) return found;
  for (const auto& attempt : history.attempts) {
    if (attempt.answered == 0) continue;
    if (Found found = CheckAttempt(attempt)) return found;
  }
  if (Found found = CheckRefusedOnly()) return found;
  if (Found found = CheckStrongReads()) return found;
  return CheckTimers();
}

// --- the log

Checker::Found Checker::FoldLog() {
  Validity validity;
  Record record;
  for (const auto& landed : evidence_.log) {
    if (!record.ParseFromString(landed.entry.bytes)) {
      return Violation{Promise::kInOrder, "a record cannot be read"};
    }
    if (!validity.Admit(landed.entry.offset, record)) continue;
    if (record.kind() != Record::EVENT && record.kind() != Record::REQUEST_SETTLED) continue;
    if (Found found = FoldRecord(record, landed)) {
      found->what = absl::StrCat("offset ", landed.entry.offset, ", ", record.type(), " of ",
                                 record.subject(), " for ", record.request_id(), ": ", found->what);
      return found;
    }
  }
  return std::nullopt;
}

Checker::Found Checker::FoldRecord(const Record& record, const Landed& landed) {
  const auto& operations = operations_[RequestKey(record.root(), record.request_id())];
  const auto found = std::find_if(operations.begin(), operations.end(), [&](size_t i) {
    return evidence_.history->operations[i].request_hash == record.request_hash();
  });
  if (found == operations.end()) return Violation{Promise::kInOrder, "nobody asked for it"};
  for (const size_t one : operations) {
    if (EffectOf(one) != 0) {
      return Violation{Promise::kNothingTwice, "its request id had an effect before"};
    }
  }
  const Operation& operation = evidence_.history->operations[*found];
  const auto* type = operation.method->aggregate;
  const Version* before = VersionAt(record.subject(), SIZE_MAX);
  const Message* state = before == nullptr ? nullptr : before->state;
  const Decision decision = DecideAt(operation, record.subject(), state, record.record_time());
  const bool is_event = record.kind() == Record::EVENT;
  if (!decision.status.ok() || decision.decided != is_event || decision.event != record.value()) {
    return Violation{Promise::kFreshDecision,
                     absl::StrCat("the state before it decides otherwise: ",
                                  decision.status.ok() ? "" : decision.status.ToString(),
                                  decision.decided ? "another event" : " nothing")};
  }
  const bool parent_known =
      std::any_of(evidence_.parents.begin(), evidence_.parents.end(), [&](const ParentLife& life) {
        return life.root == record.root() && life.lives && life.step < landed.step;
      });
  if (!parent_known) return Violation{Promise::kFreshDecision, "there never was such a parent"};
  if (is_event && record.sequence() != ++sequences_[record.root()]) {
    return Violation{Promise::kInOrder, absl::StrCat("its sequence is ", record.sequence())};
  }
  if (ToMicros(record.record_time()) < ToMicros(record_time_)) {
    return Violation{Promise::kInOrder, "it was recorded before the record before it"};
  }
  record_time_ = record.record_time();
  subjects_.push_back(record.subject());
  steps_.push_back(landed.step);
  offsets_.push_back(landed.entry.offset);
  effects_[*found] = steps_.size();
  if (!is_event) return std::nullopt;

  Message* event = NewMessage(type->event, &arena_);
  Message* after = NewMessage(type->state, &arena_);
  if (state != nullptr) Assign(*state, after);
  if (!event->ParseFromString(record.value())) {
    return Violation{Promise::kFreshDecision, "its event cannot be read"};
  }
  Evolve(*type, *after, *event, record.sequence(),
         {.name = record.subject(),
          .occur_time = record.occur_time(),
          .record_time = record.record_time()});
  versions_[record.subject()].push_back({steps_.size(), after, SerializeDeterministic(*after)});
  return std::nullopt;
}

// --- the answers

Checker::Found Checker::CheckAttempt(const Attempt& attempt) {
  const Operation& operation = evidence_.history->operations[attempt.operation];
  const absl::Status& status = attempt.reply.status;
  Found found;
  if (status.ok()) {
    found = attempt.reply.repeat ? CheckRepeat(attempt, operation) : CheckDone(attempt, operation);
  } else if (!LeavesOpen(status) && !absl::IsDeadlineExceeded(status)) {
    found = CheckRefusal(attempt, operation);
  }
  const size_t effect = EffectOf(attempt.operation);
  if (!found && status.ok() && effect != 0 && attempt.body_known &&
      attempt.applied <= offsets_[effect - 1]) {
    found = Violation{Promise::kTrueAnswer, "its token does not cover it"};
  }
  if (found) found->what = absl::StrCat(Describe(attempt), ": ", found->what);
  return found;
}

Checker::Found Checker::CheckDone(const Attempt& attempt, const Operation& operation) {
  const size_t effect = EffectOf(attempt.operation);
  if (operation.validate_only || (effect == 0 && !operation.request_id_given)) {
    const bool justified =
        AnyMoment(operation.name, WindowOf(attempt), [&](const Version* version) {
          const Message* state = version == nullptr ? nullptr : version->state;
          const Decision decision = DecideAt(operation, operation.name, state, record_time_);
          if (!decision.status.ok()) return false;
          if (operation.validate_only) return true;
          return !decision.decided && version != nullptr && version->bytes == attempt.reply.body;
        });
    if (justified) return std::nullopt;
    return Violation{operation.validate_only ? Promise::kTrueAnswer : Promise::kNothingLost,
                     "it left no trace, and the log would not say so"};
  }
  if (effect == 0) return Violation{Promise::kNothingLost, "it is not in the log"};
  if (done_[attempt.operation]) {
    return Violation{Promise::kNothingTwice, "somebody else was told to be the first, too"};
  }
  done_[attempt.operation] = true;
  const int64_t step = steps_[effect - 1];
  if (step < attempt.invoked || step > attempt.answered) {
    return Violation{Promise::kInOrder, "its record landed before its arrival or after the answer"};
  }
  const Version* version = VersionAt(subjects_[effect - 1], effect);
  if (version == nullptr || version->bytes != attempt.reply.body) {
    return Violation{Promise::kTrueAnswer, "the body is not the state after its record"};
  }
  return std::nullopt;
}

Checker::Found Checker::CheckRepeat(const Attempt& attempt, const Operation& operation) {
  const size_t effect = EffectOf(attempt.operation);
  if (effect == 0) return Violation{Promise::kNothingLost, "it is not in the log"};
  Window window = WindowOf(attempt);
  if (window.last < effect) {
    return Violation{Promise::kNothingLost, "it was answered before its record landed"};
  }
  if (!attempt.body_known) return std::nullopt;
  window.first = std::max(window.first, effect);
  const auto is_body = [&](const Version* version) {
    return version != nullptr && version->bytes == attempt.reply.body;
  };
  if (AnyMoment(subjects_[effect - 1], window, is_body)) return std::nullopt;
  return Violation{Promise::kTrueAnswer, "the body is no state of that time"};
}

Checker::Found Checker::CheckRefusal(const Attempt& attempt, const Operation& operation) {
  const absl::Status& status = attempt.reply.status;
  const size_t effect = EffectOf(attempt.operation);
  Window window = WindowOf(attempt);
  if (WasMisused(operation, window.last)) {
    const absl::Status misuse = absl::AlreadyExistsError(absl::StrCat(
        "request id ", operation.request_id, " was used with another body; use a new one"));
    if (status.code() == misuse.code() &&
        status.message().find(misuse.message()) != absl::string_view::npos) {
      return std::nullopt;
    }
  }
  // From its own record on it is a repeat.
  if (effect != 0) {
    if (window.first >= effect) {
      return Violation{Promise::kTrueAnswer, "its request id had been answered"};
    }
    window.last = std::min(window.last, effect - 1);
  }
  if (ParentRefuses(attempt, operation)) return std::nullopt;
  const bool justified = AnyMoment(operation.name, window, [&](const Version* version) {
    const Message* state = version == nullptr ? nullptr : version->state;
    return SameRefusal(DecideAt(operation, operation.name, state, record_time_).status, status);
  });
  if (justified) return std::nullopt;
  return Violation{Promise::kTrueAnswer, "the log of that time does not refuse it so"};
}

// Commands of which every sending was told for certain that nothing was done.
Checker::Found Checker::CheckRefusedOnly() {
  const History& history = *evidence_.history;
  std::vector<bool> maybe(history.operations.size());
  for (const auto& attempt : history.attempts) {
    const absl::Status& status = attempt.reply.status;
    if (attempt.answered == 0 || status.ok() || LeavesOpen(status)) maybe[attempt.operation] = true;
  }
  for (const auto& [operation, effect] : effects_) {
    if (!maybe[operation]) {
      return Violation{Promise::kTrueAnswer,
                       absl::StrCat(history.operations[operation].request_id,
                                    " was refused and has an effect all the same")};
    }
  }
  return std::nullopt;
}

Checker::Found Checker::CheckStrongReads() {
  const History& history = *evidence_.history;
  for (const auto& read : history.reads) {
    for (const auto& attempt : history.attempts) {
      const size_t effect = EffectOf(attempt.operation);
      if (effect == 0 || attempt.answered == 0 || !attempt.reply.status.ok()) continue;
      if (attempt.answered < read.invoked && read.applied <= offsets_[effect - 1]) {
        return Violation{Promise::kStrongRead,
                         absl::StrCat("instance ", read.instance, " asked at step ", read.invoked,
                                      " does not see: ", Describe(attempt))};
      }
    }
  }
  return std::nullopt;
}

// Of customers who were never deleted: under a deleted one they wait.
Checker::Found Checker::CheckTimers() {
  for (const auto& [name, versions] : versions_) {
    const auto* type = evidence_.product->registry().FindByPlural(CollectionOf(name));
    if (type->due_time == nullptr) continue;
    const auto due = type->due_time(*versions.back().state);
    if (!due || FromTimestamp(*due) > evidence_.all_fired) continue;
    const std::string root(RootOf(name));
    const bool was_deleted =
        std::any_of(evidence_.parents.begin(), evidence_.parents.end(),
                    [&root](const ParentLife& life) { return life.root == root && !life.lives; });
    if (!was_deleted) return Violation{Promise::kProgress, "the timer of " + name + " never fires"};
  }
  return std::nullopt;
}

// --- what the log said when

const Checker::Version* Checker::VersionAt(const std::string& name, size_t moment) const {
  const auto found = versions_.find(name);
  if (found == versions_.end()) return nullptr;
  const auto after =
      std::upper_bound(found->second.begin(), found->second.end(), moment,
                       [](size_t at, const Version& version) { return at < version.since; });
  return after == found->second.begin() ? nullptr : &*std::prev(after);
}

template <class Right>
bool Checker::AnyMoment(const std::string& name, Window window, Right right) const {
  if (right(VersionAt(name, window.first))) return true;
  const auto found = versions_.find(name);
  if (found == versions_.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(), [&](const Version& version) {
    return version.since > window.first && version.since <= window.last && right(&version);
  });
}

Checker::Decision Checker::DecideAt(const Operation& operation, const std::string& name,
                                    const Message* state, const Timestamp& time) {
  Context context{.name = name, .occur_time = time, .record_time = time};
  const Message& request = *operation.request;
  if (request.GetReflection()->HasField(request, operation.method->occur_time)) {
    context.occur_time = static_cast<const Timestamp&>(
        request.GetReflection()->GetMessage(request, operation.method->occur_time));
  }
  Message* event = NewMessage(operation.method->aggregate->event, &arena_);
  const absl::StatusOr<bool> decided =
      DecideWrite(*operation.method, state, *operation.request, context,
                  MakeUid(absl::StrCat(name, "\n", operation.request_id)), event);
  if (!decided.ok()) return {.status = decided.status()};
  return {.decided = *decided, .event = *decided ? SerializeDeterministic(*event) : ""};
}

bool Checker::ParentRefuses(const Attempt& attempt, const Operation& operation) const {
  // The parent as it was when the command came, or became until the answer.
  bool unknown = true;
  bool deleted = false;
  for (const auto& life : evidence_.parents) {
    if (life.root != operation.root || life.step > attempt.answered) continue;
    if (life.step < attempt.invoked) {
      unknown = false;
      deleted = !life.lives;
    } else {
      deleted = deleted || !life.lives;
    }
  }
  const absl::Status& status = attempt.reply.status;
  return (unknown && SameRefusal(status, NotFound(operation.root))) ||
         (deleted && SameRefusal(status, Refused("rapport", "DELETED", operation.root,
                                                 "it is deleted; undelete it first")));
}

bool Checker::WasMisused(const Operation& operation, size_t until) const {
  const auto& same = operations_.at(RequestKey(operation.root, operation.request_id));
  return std::any_of(same.begin(), same.end(), [&](size_t other) {
    const size_t effect = EffectOf(other);
    return effect != 0 && effect <= until &&
           evidence_.history->operations[other].request_hash != operation.request_hash;
  });
}

Checker::Window Checker::WindowOf(const Attempt& attempt) const {
  const auto before = [this](int64_t step) {
    return static_cast<size_t>(std::lower_bound(steps_.begin(), steps_.end(), step) -
                               steps_.begin());
  };
  return {.first = before(attempt.invoked), .last = before(attempt.answered)};
}

size_t Checker::EffectOf(size_t operation) const {
  const auto found = effects_.find(operation);
  return found == effects_.end() ? 0 : found->second;
}

std::string Checker::Describe(const Attempt& attempt) const {
  const Operation& operation = evidence_.history->operations[attempt.operation];
  return absl::StrCat("step ", attempt.invoked, " to ", attempt.answered, ", instance ",
                      attempt.instance, ", ", operation.request->GetDescriptor()->name(), " ",
                      operation.name.empty() ? operation.root : operation.name, " as ",
                      operation.request_id, " was told ", attempt.reply.status.ToString(),
                      attempt.reply.repeat ? " (repeat)" : "");
}

}  // namespace rapport::model
