#include "services/runtime/aggregate/process.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/runtime/aggregate/own_request_id.h"
#include "services/runtime/base/resource_name.h"
#include "services/runtime/base/status.h"
#include "services/runtime/rpc/ask.h"
#include "services/runtime/store/keys.h"

namespace rapport {
namespace {

// Before what is held up is tried again; a tick is some 50 ms.
constexpr int kHeldUpTicks = 10;

enum class Outcome { kDone, kAgain, kNever };
Outcome OutcomeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
    // It was sent before, from other circumstances; what was recorded then stands.
    case absl::StatusCode::kAlreadyExists:
      return Outcome::kDone;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnimplemented:
      return Outcome::kNever;
    default:
      return Outcome::kAgain;
  }
}

}  // namespace

void Process::Tick() {
  {
    std::lock_guard lock(mutex_);
    if (busy_ || stopping_) return;
    if (rest_ticks_ > 0 && --rest_ticks_ > 0) return;
    const bool news = options_.shard->joined(options_.spec->source).value_or(0) > cursor_.next;
    if (loaded_ && !news && held_up_.empty()) return;
    busy_ = true;
  }
  options_.executor->Submit([this] { Run(); });
}

void Process::Stop() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  rested_.wait(lock, [this] { return !busy_; });
}

void Process::Run() {
  if (!StillOwns()) {
    Forget();
    claim_ = options_.shard->claim();
    if (!StillOwns()) return Rest(0);
  }
  if (!held_up_.empty()) return Send(std::exchange(held_up_, {}));
  if (!loaded_) {
    const absl::StatusOr<bool> known = LoadCursor();
    if (!known.ok()) return Rest(kHeldUpTicks);
    if (!*known) return SwitchOn();
    loaded_ = true;
    switched_on_ = true;
  }
  if (!ReadFacts().ok()) {
    Forget();
    return Rest(kHeldUpTicks);
  }
  if (!chains_.empty()) {
    std::vector<Chain*> chains;
    for (auto& [root, chain] : chains_) chains.push_back(&chain);
    return Send(std::move(chains));
  }
  if (cursor_.next - recorded_ > kMaxUnrecorded) return Advance();
  Rest(0);
}

// Who lost the partition and has it again knows no longer how far it has acted: others may have
// gone on, and recorded it.
bool Process::StillOwns() const {
  return options_.shard->state() == Shard::State::kServing && options_.shard->claim() == claim_;
}

// False where the process was never switched on.
absl::StatusOr<bool> Process::LoadCursor() {
  const Store& store = options_.shard->store();
  log::v1::ProcessAdvanced advanced;
  ASSIGN_OR_RETURN(const bool known, store.Get(keys::Cursor(options_.spec->name), &advanced));
  if (known) {
    cursor_ = FromCheckpoint(advanced.cursor());
    advanced_.set_first_offset(advanced.first_offset());
  } else {
    // The claim that counts there is known; what lies between it and the end is read over.
    ASSIGN_OR_RETURN(cursor_, LoadPosition(store, JoinPosition(options_.spec->source)));
  }
  recorded_ = cursor_.next;
  return known;
}

// Starts at the end of the source, and says so before anything is acted upon.
void Process::SwitchOn() {
  options_.log->End(options_.source, [this](absl::StatusOr<Offset> end) {
    if (!end.ok()) return Rest(kHeldUpTicks);
    advanced_.set_first_offset(*end);
    loaded_ = true;
    Advance();
  });
}

// Reads what the projection has joined already, so that `react` sees no less than the fact.
absl::Status Process::ReadFacts() {
  const Offset joined = options_.shard->joined(options_.spec->source).value_or(0);
  if (joined <= cursor_.next) return absl::OkStatus();
  const size_t limit =
      std::min<size_t>(kMaxReactionRecords, static_cast<size_t>(joined - cursor_.next));
  ASSIGN_OR_RETURN(const std::vector<Entry> entries,
                   options_.log->Read(options_.source, cursor_.next, limit));
  log::v1::Record fact;
  for (const auto& entry : entries) {
    if (!fact.ParseFromString(entry.bytes)) return CannotRead(options_.source, entry.offset);
    cursor_.next = entry.offset + 1;
    if (!cursor_.validity.Admit(entry.offset, fact)) continue;
    if (fact.kind() != log::v1::Record::EVENT) continue;
    if (entry.offset < advanced_.first_offset()) continue;
    if (CollectionOf(fact.subject()) == options_.spec->plural) RETURN_IF_ERROR(React(fact));
  }
  return absl::OkStatus();
}

absl::Status Process::React(const log::v1::Record& fact) {
  ASSIGN_OR_RETURN(std::vector<Reaction> reactions,
                   options_.spec->react(fact, Parts(options_.shard->store(), fact.root())));
  for (size_t i = 0; i < reactions.size(); ++i) {
    chains_[fact.root()].push_back({.reaction = std::move(reactions[i]),
                                    .root = fact.root(),
                                    .sequence = fact.sequence(),
                                    .request_id = RequestId(fact, i)});
  }
  return absl::OkStatus();
}

std::string Process::RequestId(const log::v1::Record& fact, size_t index) const {
  return OwnRequestId(options_.secret, "process",
                      absl::StrCat(options_.spec->name, "\n", fact.type(), "\n", fact.root(), "\n",
                                   fact.sequence(), "\n", index));
}

void Process::Send(std::vector<Chain*> chains) {
  {
    std::lock_guard lock(mutex_);
    under_way_ = chains.size();
  }
  for (Chain* chain : chains) SendFirst(chain);
}

void Process::SendFirst(Chain* chain) {
  const Step& step = chain->front();
  const auto* method =
      google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(step.reaction.method);
  Ensure(method != nullptr, "a process names methods that are linked");
  Ask(
      *options_.peers, *method, {.actor = absl::StrCat("processes/", options_.spec->name)},
      [&step](Message& request) {
        Assign(*step.reaction.request, &request);
        SetText(request, "request_id", step.request_id);
      },
      [this, chain](const Reply& reply) { Take(chain, reply); });
}

void Process::Take(Chain* chain, const Reply& reply) {
  {
    std::lock_guard lock(mutex_);
    const Outcome outcome = OutcomeOf(reply.status);
    if (outcome == Outcome::kAgain) held_up_.push_back(chain);
    if (outcome == Outcome::kDone) ++figures_.sent;
    if (outcome == Outcome::kNever) {
      const Step& step = chain->front();
      auto* refused = advanced_.add_refused();
      refused->set_root(step.root);
      refused->set_sequence(step.sequence);
      refused->set_service(options_.spec->source);
      refused->set_method(step.reaction.method);
      refused->set_request_id(step.request_id);
      *refused->mutable_status() = ToRpcStatus(reply.status);
      ++figures_.refused;
    }
    if (outcome != Outcome::kAgain) chain->pop_front();
    const bool more = outcome != Outcome::kAgain && !chain->empty() && StillOwns();
    if (!more && --under_way_ > 0) return;
    if (!more) chain = nullptr;
  }
  if (chain != nullptr) return SendFirst(chain);
  options_.executor->Submit([this] { Sent(); });
}

void Process::Sent() {
  if (!held_up_.empty()) return Rest(kHeldUpTicks);
  chains_.clear();
  Advance();
}

// Records the cursor, in the owner's own log: who no longer owns the partition cannot.
void Process::Advance() {
  if (!StillOwns()) {
    Forget();
    return Rest(0);
  }
  *advanced_.mutable_cursor() = ToCheckpoint(cursor_);
  Command command{.call = std::make_unique<Call>(),
                  .name = options_.spec->name,
                  .own = log::v1::Record::PROCESS_ADVANCED,
                  .own_value = advanced_.SerializeAsString()};
  command.call->metadata.deadline = absl::InfiniteFuture();
  command.call->done = [this](const Reply& reply) {
    if (reply.status.ok()) {
      recorded_ = cursor_.next;
      advanced_.clear_refused();
      switched_on_ = true;
      if (options_.on_acted) options_.on_acted(std::exchange(figures_, {}));
      return Rest(0);
    }
    Forget();
    Rest(kHeldUpTicks);
  };
  options_.shard->Submit(std::move(command));
}

void Process::Rest(int ticks) {
  std::lock_guard lock(mutex_);
  busy_ = false;
  rest_ticks_ = ticks;
  rested_.notify_all();
}

// Begins again where the log says, once the partition is owned.
void Process::Forget() {
  loaded_ = false;
  chains_.clear();
  held_up_.clear();
  advanced_.Clear();
}

}  // namespace rapport
