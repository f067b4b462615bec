#include "services/runtime/log/simulated/simulated_log.h"

#include <algorithm>

#include "services/runtime/base/status.h"

namespace rapport {
namespace {

// One way between a process and the broker.
constexpr absl::Duration kMinTravel = absl::Microseconds(100);
constexpr absl::Duration kMaxTravel = absl::Milliseconds(2);
// How much later than its writer's patience a record may land.
constexpr absl::Duration kMaxLateness = absl::Milliseconds(300);

}  // namespace

class SimulatedLog::Connection : public EventLog {
 public:
  Connection(SimulatedLog* broker, Host* host)
      : broker_(broker), simulation_(broker->simulation_), host_(host) {}

  absl::Status EnsureTopic(const std::string&, int) override { return absl::OkStatus(); }
  absl::StatusOr<int> Partitions(const std::string&) override { return 1; }

  void Claim(const TopicPartition& partition, ClaimDone done) override {
    AppendClaim(*this, partition, simulation_->Draw(), "", std::move(done));
  }

  void Append(const TopicPartition& partition, std::vector<std::string> records,
              AppendDone done) override {
    const Answer answer = std::make_shared<AppendDone>(std::move(done));
    if (simulation_->Happens(faults().full)) {
      return Give(answer, Travel(), Overloaded("the log is full"));
    }
    Give(answer, kTimeout, absl::DeadlineExceededError("the log did not say in time"));
    if (simulation_->Happens(faults().lost)) return;
    if (simulation_->Happens(faults().torn)) {
      records.resize(simulation_->Below(records.size()));
      return LandEach(partition, records, Travel());
    }
    if (simulation_->Happens(faults().holed)) {
      return LandEach(partition, Some(std::move(records)), Travel());
    }
    if (simulation_->Happens(faults().late)) {
      if (simulation_->Happens(0.5)) return LandLater(partition, records);
      held_.emplace_back(partition, std::move(records));
      return;
    }
    if (simulation_->Happens(faults().twice)) LandLater(partition, records);
    LandAll(partition, std::move(records), answer);
  }

  void End(const TopicPartition& partition, EndDone done) override {
    const bool failed = simulation_->Happens(faults().end_failed);
    simulation_->After(Travel(), [broker = broker_, partition, failed, back = Back(TravelBack()),
                                  done = std::move(done)]() mutable {
      absl::StatusOr<Offset> end = static_cast<Offset>(broker->Records(partition).size());
      if (failed) end = Unavailable("the log's end cannot be seen");
      back([end = std::move(end), done = std::move(done)]() mutable { done(std::move(end)); });
    });
  }

  Offset KnownEnd(const TopicPartition& partition) override {
    return static_cast<Offset>(broker_->Records(partition).size());
  }

  absl::StatusOr<std::vector<Entry>> Read(const TopicPartition& partition, Offset from,
                                          size_t limit) override {
    if (simulation_->Happens(faults().read_failed)) return Unavailable("the log cannot be read");
    const std::vector<Landed>& landed = broker_->Records(partition);
    const size_t begin = std::min(static_cast<size_t>(from), landed.size());
    size_t count = std::min(limit, landed.size() - begin);
    if (count > 1 && simulation_->Happens(faults().read_short)) {
      count = 1 + simulation_->Below(count);
    }
    std::vector<Entry> entries;
    entries.reserve(count);
    for (size_t at = begin; at < begin + count; ++at) {
      entries.push_back({static_cast<Offset>(at), landed[at].bytes});
    }
    return entries;
  }

  void Watch(const TopicPartition& partition, std::function<void()> grew) override {
    broker_->PartitionOf(partition).watchers.push_back(
        [back = Back(Travel()), grew = std::move(grew)] { back(grew); });
  }

 private:
  // Taken by the first report; what comes later finds nothing.
  using Answer = std::shared_ptr<AppendDone>;

  const SimulatedFaults& faults() const { return broker_->faults_; }
  absl::Duration Travel() { return simulation_->Between(kMinTravel, kMaxTravel); }
  absl::Duration TravelBack() {
    if (!simulation_->Happens(faults().slow)) return Travel();
    return simulation_->Between(kTimeout / 2, kTimeout * 3 / 2);
  }

  // Runs what it is given on this host as it is now: a later life of it hears nothing.
  std::function<void(Simulation::Task)> Back(absl::Duration travel) {
    return [host = *host_, travel](Simulation::Task task) mutable {
      host.After(travel, std::move(task));
    };
  }

  void Give(const Answer& answer, absl::Duration delay,
            absl::StatusOr<std::vector<Offset>> outcome) {
    host_->After(delay, [answer, outcome = std::move(outcome)]() mutable {
      if (AppendDone done = std::exchange(*answer, nullptr)) done(std::move(outcome));
    });
  }

  std::vector<std::string> Some(std::vector<std::string> records) {
    std::erase_if(records, [this](const std::string&) { return simulation_->Happens(0.5); });
    return records;
  }

  void LandEach(const TopicPartition& partition, const std::vector<std::string>& records,
                absl::Duration delay) {
    simulation_->After(delay, [broker = broker_, partition, records] {
      for (const auto& record : records) broker->Land(partition, record);
    });
  }

  // Each in its own time, so in any order.
  void LandLater(const TopicPartition& partition, const std::vector<std::string>& records) {
    for (auto& record : Some(records)) {
      LandEach(partition, {std::move(record)},
               kTimeout + simulation_->Between(absl::ZeroDuration(), kMaxLateness));
    }
  }

  void LandAll(const TopicPartition& partition, std::vector<std::string> records,
               const Answer& answer) {
    const bool parted = simulation_->Happens(faults().parted);
    const bool answered = !simulation_->Happens(faults().unanswered);
    const bool doubled = simulation_->Happens(faults().doubled_answer);
    const absl::Duration back = TravelBack();
    auto offsets = std::make_shared<std::vector<Offset>>();
    absl::Duration there = Travel();
    const size_t count = records.size();
    const bool held_first = simulation_->Happens(0.5);
    if (held_first) LandHeld(there);
    for (size_t i = 0; i < count; ++i) {
      if (parted && i > 0) there += Travel();
      simulation_->After(there,
                         [broker = broker_, host = *host_, partition, offsets, answer, back, count,
                          answered, doubled, record = std::move(records[i])]() mutable {
                           offsets->push_back(broker->Land(partition, std::move(record)));
                           if (offsets->size() < count || !answered) return;
                           for (int times = doubled ? 2 : 1; times > 0; --times) {
                             host.After(back, [answer, offsets] {
                               if (AppendDone done = std::exchange(*answer, nullptr))
                                 done(*offsets);
                             });
                           }
                         });
    }
    if (!held_first) LandHeld(there);
  }

  // What a broken line held back goes out with what is sent next, before or behind it.
  void LandHeld(absl::Duration delay) {
    for (const auto& [partition, records] : std::exchange(held_, {})) {
      LandEach(partition, records, delay);
    }
  }

  SimulatedLog* const broker_;
  Simulation* const simulation_;
  Host* const host_;
  std::vector<std::pair<TopicPartition, std::vector<std::string>>> held_;
};

std::unique_ptr<EventLog> SimulatedLog::Connect(Host* host) {
  return std::make_unique<Connection>(this, host);
}

Offset SimulatedLog::Land(const TopicPartition& partition, std::string bytes) {
  Partition& present = PartitionOf(partition);
  present.records.push_back({std::move(bytes), simulation_->NextStep()});
  for (const auto& grew : present.watchers) grew();
  return static_cast<Offset>(present.records.size()) - 1;
}

}  // namespace rapport
