#include "tests/model/cluster.h"

#include "rapport/accounts/v1/customer.pb.h"
#include "tests/model/reactions.h"

namespace rapport::model {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(20);
// Where a process comes later, all instances have it by then.
constexpr absl::Duration kRollout = absl::Milliseconds(400);
// A run that is not over by then never is.
constexpr int kMaxEvents = 1'000'000;

}  // namespace

Cluster::Cluster(const Product* product, Simulation* simulation, const Fortune& fortune,
                 Break broken, Figures* figures, OnCall on_call)
    : product_(product),
      simulation_(simulation),
      fortune_(fortune),
      broken_(broken),
      figures_(figures),
      on_call_(std::move(on_call)),
      process_(
          FollowUp([this] { return misfortunes_ && simulation_->Happens(fortune_.react_failed); })),
      broker_(simulation, fortune.faults) {}

void Cluster::Begin() {
  log::v1::Record claim;
  claim.set_kind(log::v1::Record::CLAIM);
  claim.set_claim_id(1);
  broker_.Land(kParents, claim.SerializeAsString());
  for (size_t i = 0; i < std::size(kCustomers); ++i) {
    if (simulation_->Happens(0.9)) ChangeParent(i);
  }
  const absl::Duration latest_start = absl::Milliseconds(simulation_->Happens(0.5) ? 1 : 50);
  const bool process_later = simulation_->Happens(0.6);
  for (int i = 0; i < fortune_.instances; ++i) {
    absl::Duration skew;
    if (fortune_.skewed_clocks) skew = simulation_->Between(-absl::Seconds(2), absl::Seconds(2));
    instances_.push_back(
        std::make_unique<Instance>(product_, simulation_, &broker_, broken_, skew,
                                   [this, i](CallPtr call) { on_call_(i, std::move(call)); }));
    auto& instance = *instances_.back();
    if (fortune_.process && !process_later) InstallProcess(i);
    instance.host().After(simulation_->Between(absl::ZeroDuration(), latest_start),
                          [&instance] { instance.Start(); });
    if (fortune_.process && process_later) {
      simulation_->After(simulation_->Between(absl::ZeroDuration(), kRollout),
                         [this, i] { InstallProcess(i); });
    }
    TickLater(i);
  }
  MisfortuneLater();
}

bool Cluster::Step() {
  if (!simulation_->RunNext()) return false;
  for (auto& instance : instances_) instance->RunThreads();
  return true;
}

void Cluster::RunFor(absl::Duration time) {
  bool over = false;
  simulation_->After(time, [&over] { over = true; });
  while (!over && Step()) {
  }
}

void Cluster::Heal() {
  misfortunes_ = false;
  broker_.set_faults({});
  for (auto& instance : instances_) {
    if (instance->host().paused()) instance->host().Resume();
  }
}

bool Cluster::Stop() {
  ticking_ = false;
  size_t stopped = 0;
  for (auto& instance : instances_) {
    instance->host().After(absl::ZeroDuration(),
                           [&] { instance->Stop([&stopped] { ++stopped; }); });
  }
  int events = 0;
  while (events < kMaxEvents && Step()) ++events;
  return stopped == instances_.size() && events < kMaxEvents;
}

// A new program: whatever ran is restarted.
void Cluster::InstallProcess(size_t index) {
  if (process_began_ < 0) {
    process_began_ = static_cast<Offset>(broker_.Records(kPartition).size());
  }
  instances_[index]->Install(&process_);
  CrashOne(index);
}

// --- misfortunes

void Cluster::TickLater(size_t instance) {
  simulation_->After(kTick, [this, instance] {
    if (!ticking_) return;
    if (instance == hinted_ || (misfortunes_ && simulation_->Happens(fortune_.wrong_hint))) {
      auto* ticked = instances_[instance].get();
      ticked->host().After(absl::ZeroDuration(), [ticked] { ticked->Tick(); });
    }
    TickLater(instance);
  });
}

void Cluster::MisfortuneLater() {
  simulation_->After(simulation_->Between(absl::Milliseconds(5), absl::Milliseconds(120)), [this] {
    if (!misfortunes_) return;
    Misfortune();
    MisfortuneLater();
  });
}

void Cluster::Misfortune() {
  if (simulation_->Happens(fortune_.new_hint)) hinted_ = Any();
  if (simulation_->Happens(fortune_.parent_change)) {
    ChangeParent(simulation_->Below(std::size(kCustomers)));
  }
  if (simulation_->Happens(fortune_.failed_write)) {
    ++figures_->failed_writes;
    instances_[Any()]->db().FailNextWrite();
  }
  if (simulation_->Happens(fortune_.crash)) CrashOne(Any());
  if (simulation_->Happens(fortune_.pause)) {
    ++figures_->pauses;
    Host paused = instances_[Any()]->host();
    paused.Pause();
    simulation_->After(simulation_->Between(absl::Milliseconds(1), absl::Milliseconds(120)),
                       [paused]() mutable { paused.Resume(); });
  }
}

void Cluster::CrashOne(size_t index) {
  auto& instance = *instances_[index];
  if (!instance.up()) return;
  ++figures_->crashes;
  const size_t writes = instance.db().writes().size();
  instance.Crash(simulation_->Happens(0.3) ? writes : simulation_->Below(writes + 1));
  instance.host().After(simulation_->Between(absl::Milliseconds(1), absl::Milliseconds(60)),
                        [&instance] { instance.Start(); });
}

void Cluster::ChangeParent(size_t customer) {
  const std::string root(kCustomers[customer]);
  std::optional<bool> lives;
  for (const auto& life : parents_) {
    if (life.root == root) lives = life.lives;
  }
  accounts::v1::CustomerEvent event;
  if (!lives) {
    event.mutable_created();
  } else if (*lives) {
    event.mutable_deleted();
  } else {
    event.mutable_undeleted();
  }
  log::v1::Record record;
  record.set_kind(log::v1::Record::EVENT);
  record.set_claim_id(1);
  record.set_number(++parent_records_);
  record.set_subject(root);
  record.set_root(root);
  record.set_value(event.SerializeAsString());
  broker_.Land(kParents, record.SerializeAsString());
  parents_.push_back({root, !lives || !*lives, simulation_->NextStep()});
}

}  // namespace rapport::model
