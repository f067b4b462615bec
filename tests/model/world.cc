#include "tests/model/world.h"

#include <algorithm>
#include <functional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/model/cluster.h"
#include "tests/model/projections.h"
#include "tests/model/reaction_checker.h"

namespace rapport::model {
namespace {

constexpr int kClients = 6;
constexpr int kOperationsOfAClient = 5;
// A client that was never told gives a command up after so many sendings.
constexpr int kMaxTries = 7;
// How often clients come where they come all at once.
constexpr absl::Duration kRush = absl::Milliseconds(60);
// How often a client reads strongly before it writes.
constexpr double kStrongReads = 0.15;
// Some runs wait until all timers must have fired: a clock may be 2 s behind, and a timer that was
// refused may wait for minutes until it is tried again.
constexpr double kRunsThatAwaitTimers = 0.05;
constexpr absl::Duration kTimersTake = absl::Seconds(8);
// After the faults have ended: until the last late record has landed, and so many sendings of one
// command until somebody must have answered it.
constexpr absl::Duration kCalm = absl::Milliseconds(500);
constexpr int kCalmTries = 50;
// A process that was refused tries again within this, and whoever must claim first has done so.
constexpr absl::Duration kQuiet = absl::Milliseconds(500);

class World {
 public:
  World(const Product& product, uint64_t seed, Break broken)
      : product_(product),
        broken_(broken),
        simulation_(seed),
        fortune_(DrawFortune(simulation_, broken)),
        cluster_(&product_, &simulation_, fortune_, broken, &figures_,
                 [this](size_t instance, CallPtr call) {
                   if (IsTimers(*call)) return Fire(instance, std::move(call));
                   React(instance, std::move(call));
                 }) {}

  Outcome Run();

 private:
  void Begin();
  std::optional<Violation> GoOn();
  std::optional<Violation> AwaitQuiet();
  // Timers that were due by then have fired.
  Outcome Judge(absl::Time all_fired);

  void NextOperation(int client);
  size_t AddOperation();
  void Send(int client, size_t operation, int tries);
  size_t SendOnce(size_t operation, size_t instance, absl::Duration patience,
                  std::function<void()> told);
  absl::Duration DrawPatience();
  void ReadStrongly(size_t instance);
  size_t Known(Operation operation);
  void Fire(size_t instance, CallPtr call);
  void React(size_t instance, CallPtr call);
  void GoOnAfter(int client, size_t attempt, int tries);
  bool Misfortune(double chance) { return cluster_.misfortunes() && simulation_.Happens(chance); }
  absl::Duration Travel() {
    return simulation_.Between(absl::ZeroDuration(), absl::Milliseconds(2));
  }

  const Product& product_;
  const Break broken_;
  Simulation simulation_;
  const Fortune fortune_;
  Figures figures_;
  Cluster cluster_;
  std::vector<int> operations_left_;
  int unfinished_ = kClients * kOperationsOfAClient;
  History history_;
};

Outcome World::Run() {
  Begin();
  while (unfinished_ > 0 && cluster_.Step()) {
  }
  cluster_.Heal();
  cluster_.RunFor(kCalm);
  std::optional<Violation> stuck = GoOn();
  if (!stuck && fortune_.process) stuck = AwaitQuiet();
  absl::Time all_fired = absl::InfinitePast();
  if (!stuck && simulation_.Happens(kRunsThatAwaitTimers)) {
    all_fired = simulation_.Now();
    cluster_.RunFor(kTimersTake);
  }
  if (!stuck && !cluster_.Stop()) stuck = {Promise::kProgress, "a shard does not stop"};
  Outcome outcome = Judge(all_fired);
  if (!outcome.violation) outcome.violation = std::move(stuck);
  return outcome;
}

void World::Begin() {
  cluster_.Begin();
  operations_left_.assign(kClients, kOperationsOfAClient);
  for (int client = 0; client < kClients; ++client) {
    simulation_.After(fortune_.rushes
                          ? kRush
                          : simulation_.Between(absl::ZeroDuration(), absl::Milliseconds(100)),
                      [this, client] { NextOperation(client); });
  }
}

// --- clients

void World::NextOperation(int client) {
  if (operations_left_[client] == 0) return;
  --operations_left_[client];
  Send(client, AddOperation(), 0);
  if (simulation_.Happens(fortune_.burst)) NextOperation(client);
}

size_t World::AddOperation() {
  auto& operations = history_.operations;
  const size_t number = operations.size();
  operations.push_back(DrawOperation(product_, simulation_, number));
  if (number == 0 || !simulation_.Happens(0.03)) return number;
  const Operation& of = operations[simulation_.Below(number)];
  Operation misuse = Misuse(product_, simulation_, of);
  const bool same =
      std::any_of(operations.begin(), operations.end(), [&](const Operation& operation) {
        return operation.request_id == misuse.request_id &&
               operation.request_hash == misuse.request_hash;
      });
  // Clients misuse each other's: nobody guesses what timers and processes call their commands.
  if (absl::StartsWith(of.request_id, kGivenId) && !same) operations.back() = std::move(misuse);
  return number;
}

void World::Send(int client, size_t operation, int tries) {
  const size_t instance = simulation_.Happens(fortune_.stray) ? cluster_.Any() : cluster_.hinted();
  if (simulation_.Happens(kStrongReads)) ReadStrongly(instance);
  auto told = std::make_shared<bool>(false);
  auto attempt = std::make_shared<size_t>();
  const auto go_on = [this, client, tries, told, attempt] {
    if (!std::exchange(*told, true)) GoOnAfter(client, *attempt, tries);
  };
  *attempt = SendOnce(operation, instance, DrawPatience(), go_on);
  simulation_.After(simulation_.Between(absl::Milliseconds(20), absl::Milliseconds(100)), go_on);
  if (history_.operations[operation].request_id_given && simulation_.Happens(0.12)) {
    SendOnce(operation, simulation_.Happens(0.5) ? instance : cluster_.Any(), DrawPatience(),
             [] {});
  }
}

// Answers the attempt's number; `told` is called when the answer has come.
size_t World::SendOnce(size_t operation, size_t index, absl::Duration patience,
                       std::function<void()> told) {
  const size_t number = history_.attempts.size();
  history_.attempts.push_back({.operation = operation, .instance = static_cast<int>(index)});
  auto* instance = &cluster_.at(index);
  instance->host().After(
      Travel(), [this, number, operation, instance, deadline = simulation_.Now() + patience,
                 told = std::move(told)]() mutable {
        history_.attempts[number].invoked = simulation_.NextStep();
        instance->Submit(
            history_.operations[operation], deadline,
            [this, number, instance, told = std::move(told)](Reply reply, bool body_known) {
              Attempt& attempt = history_.attempts[number];
              attempt.answered = simulation_.NextStep();
              attempt.reply = std::move(reply);
              attempt.applied = instance->applied();
              attempt.body_known = body_known;
              simulation_.After(Travel(), told);
            });
      });
  return number;
}

absl::Duration World::DrawPatience() {
  return simulation_.Happens(0.1) ? absl::Milliseconds(5) : absl::Seconds(1);
}

void World::ReadStrongly(size_t index) {
  auto* instance = &cluster_.at(index);
  instance->host().After(Travel(), [this, index, instance] {
    const int64_t invoked = simulation_.NextStep();
    instance->Barrier(simulation_.Now() + absl::Seconds(1), [this, index, instance,
                                                             invoked](const absl::Status& passed) {
      if (!passed.ok()) return;
      ++figures_.strong_reads;
      history_.reads.push_back({static_cast<int>(index), invoked, instance->applied()});
    });
  });
}

// The number of a command that may have been sent before.
size_t World::Known(Operation operation) {
  auto& operations = history_.operations;
  const auto known = std::find_if(operations.begin(), operations.end(), [&](const Operation& one) {
    return one.request_id == operation.request_id && one.request_hash == operation.request_hash;
  });
  const auto number = static_cast<size_t>(known - operations.begin());
  if (known == operations.end()) operations.push_back(std::move(operation));
  return number;
}

// A timer is a client like others, but that it asks its own instance only.
void World::Fire(size_t index, CallPtr call) {
  const size_t operation = Known(OperationOf(product_, *call->request));
  const size_t number = history_.attempts.size();
  history_.attempts.push_back({.operation = operation,
                               .instance = static_cast<int>(index),
                               .invoked = simulation_.NextStep()});
  auto* instance = &cluster_.at(index);
  instance->Submit(history_.operations[operation], simulation_.Now() + absl::Seconds(1),
                   [this, number, instance, call = std::move(call)](Reply reply, bool body_known) {
                     figures_.timers += reply.status.ok() && !reply.repeat;
                     Attempt& attempt = history_.attempts[number];
                     attempt.answered = simulation_.NextStep();
                     attempt.reply = reply;
                     attempt.applied = instance->applied();
                     attempt.body_known = body_known;
                     call->done(std::move(reply));
                   });
}

// A process asks whoever is thought to own the partition, over a line that may lose call and
// answer. Its deadline travels with a call, so that none is decided once it was given up.
void World::React(size_t from, CallPtr call) {
  const size_t operation = Known(OperationOf(product_, *call->request));
  Host sender = cluster_.at(from).host();
  const auto waiting = std::make_shared<CallPtr>(std::move(call));
  const auto answer = [this, waiting](Reply reply) {
    CallPtr answered = std::exchange(*waiting, nullptr);
    if (answered == nullptr) return;
    figures_.reactions += reply.status.ok() && !reply.repeat;
    Finish(std::move(answered), std::move(reply));
  };
  sender.After(fortune_.patience, [answer] { answer({.status = Unavailable("nobody answers")}); });
  if (Misfortune(fortune_.call_lost)) return;
  const size_t to = Misfortune(fortune_.stray) ? cluster_.Any() : cluster_.hinted();
  const auto attempt = std::make_shared<size_t>();
  *attempt = SendOnce(operation, to, fortune_.patience, [this, sender, attempt, answer]() mutable {
    if (Misfortune(fortune_.answer_lost)) return;
    const absl::Duration travel =
        Misfortune(fortune_.answer_late)
            ? simulation_.Between(absl::ZeroDuration(), 2 * fortune_.patience)
            : absl::ZeroDuration();
    sender.After(travel, [this, attempt, answer] { answer(history_.attempts[*attempt].reply); });
  });
  history_.attempts[*attempt].sender = {cluster_.at(from).claim(), cluster_.at(from).cursor()};
}

void World::GoOnAfter(int client, size_t number, int tries) {
  const Attempt& attempt = history_.attempts[number];
  const Operation& operation = history_.operations[attempt.operation];
  const bool unknown = attempt.answered == 0 || LeavesOpen(attempt.reply.status) ||
                       absl::IsDeadlineExceeded(attempt.reply.status);
  const bool again =
      operation.request_id_given && tries < kMaxTries && (unknown || simulation_.Happens(0.12));
  const absl::Duration since_start = simulation_.Now() - absl::UnixEpoch();
  absl::Duration pause =
      simulation_.Between(absl::ZeroDuration(), absl::Milliseconds(unknown ? 300 : 10));
  if (fortune_.rushes) {
    pause = absl::Ceil(since_start + pause, kRush) - since_start;
  }
  simulation_.After(pause, [this, client, tries, again, which = attempt.operation] {
    if (again) return Send(client, which, tries + 1);
    --unfinished_;
    NextOperation(client);
  });
}

// --- the end

// Whatever happened, a command is answered in the end.
std::optional<Violation> World::GoOn() {
  Operation last = DrawOperation(product_, simulation_, history_.operations.size());
  last.validate_only = false;
  last.request_id_given = true;
  last.request_id = "last";
  history_.operations.push_back(std::move(last));
  for (int tries = 0; tries < kCalmTries; ++tries) {
    const size_t number =
        SendOnce(history_.operations.size() - 1, cluster_.hinted(), absl::Seconds(1), [] {});
    cluster_.RunFor(absl::Milliseconds(50));
    const Attempt& attempt = history_.attempts[number];
    if (attempt.answered != 0 && !LeavesOpen(attempt.reply.status) &&
        !absl::IsDeadlineExceeded(attempt.reply.status)) {
      return std::nullopt;
    }
  }
  const Attempt& attempt = history_.attempts.back();
  return Violation{
      Promise::kProgress,
      absl::StrCat("the last command is never answered: ",
                   attempt.answered == 0 ? "silence" : attempt.reply.status.ToString())};
}

// Until nobody has anything to do any more.
std::optional<Violation> World::AwaitQuiet() {
  const auto& records = cluster_.broker().Records(kPartition);
  for (int tries = 0; tries < kCalmTries; ++tries) {
    const size_t before = records.size();
    cluster_.RunFor(kQuiet);
    if (records.size() == before) return std::nullopt;
  }
  return Violation{Promise::kProgress, "the process never comes to rest"};
}

Outcome World::Judge(absl::Time all_fired) {
  Outcome outcome;
  Evidence evidence{.product = &product_,
                    .history = &history_,
                    .parents = cluster_.parents(),
                    .all_fired = all_fired,
                    .process_began = cluster_.process_began()};
  std::vector<Entry> entries;
  for (const auto& landed : cluster_.broker().Records(kPartition)) {
    entries.push_back({static_cast<Offset>(entries.size()), landed.bytes});
  }
  entries = AsSeen(broken_, std::move(entries));
  Validity validity;
  log::v1::Record record;
  for (auto& entry : entries) {
    outcome.digest = outcome.digest * 31 + std::hash<std::string>()(entry.bytes);
    const bool valid = record.ParseFromString(entry.bytes) && validity.Admit(entry.offset, record);
    figures_.void_records += !valid;
    figures_.claims += valid && record.kind() == log::v1::Record::CLAIM;
    figures_.events += valid && record.kind() == log::v1::Record::EVENT;
    if (valid && record.kind() == log::v1::Record::PROCESS_ADVANCED) {
      ++figures_.cursors;
      figures_.refused_reactions += RefusedIn(record);
    }
    figures_.settled += valid && record.kind() == log::v1::Record::REQUEST_SETTLED;
    const int64_t step = cluster_.broker().Records(kPartition)[entry.offset].step;
    evidence.log.push_back({std::move(entry), step});
  }
  for (const auto& attempt : history_.attempts) {
    const absl::Status& status = attempt.reply.status;
    outcome.digest = outcome.digest * 31 + static_cast<uint64_t>(status.raw_code());
    outcome.digest = outcome.digest * 31 + static_cast<uint64_t>(attempt.answered);
    const bool unknown = attempt.answered == 0 || LeavesOpen(status);
    figures_.unknown += unknown;
    figures_.refusals += !unknown && !status.ok();
    figures_.repeats += !unknown && status.ok() && attempt.reply.repeat;
    figures_.done += !unknown && status.ok() && !attempt.reply.repeat;
  }
  figures_.operations = static_cast<int64_t>(history_.operations.size());
  outcome.figures = figures_;

  outcome.violation = Checker(evidence).Check();
  if (!outcome.violation) outcome.violation = ReactionChecker(evidence).Check();
  if (outcome.violation) return outcome;
  std::vector<const Store*> projections;
  projections.reserve(cluster_.size());
  for (size_t i = 0; i < cluster_.size(); ++i) projections.push_back(&cluster_.at(i).store());
  Host reader(&simulation_);
  const auto log = BreakLog(broken_, cluster_.broker().Connect(&reader), kPartition);
  outcome.violation = CheckProjections(product_, *log, kPartition, std::move(projections));
  return outcome;
}

}  // namespace

Outcome Play(const Product& product, uint64_t seed, Break broken) {
  return World(product, seed, broken).Run();
}

}  // namespace rapport::model
