// The instances of one run, the log between them, and what befalls them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/model/checker.h"
#include "tests/model/figures.h"
#include "tests/model/fortune.h"
#include "tests/model/instance.h"

namespace rapport::model {

// Threads: the simulation's one.
class Cluster {
 public:
  // What timers and processes of an instance send.
  using OnCall = std::function<void(size_t instance, CallPtr call)>;

  // All but `fortune`, which is copied, outlive it.
  Cluster(const Product* product, Simulation* simulation, const Fortune& fortune, Break broken,
          Figures* figures, OnCall on_call);

  // Lets instances come up, and their troubles begin.
  void Begin();
  // Lets the next event happen; false where there is none.
  bool Step();
  void RunFor(absl::Duration time);
  // Ends all misfortunes.
  void Heal();
  bool misfortunes() const { return misfortunes_; }
  // Stops every instance and lets happen what is left. False where one does not stop.
  bool Stop();

  Instance& at(size_t instance) { return *instances_[instance]; }
  size_t size() const { return instances_.size(); }
  // Who is thought to own the partition.
  size_t hinted() const { return hinted_; }
  size_t Any() { return simulation_->Below(instances_.size()); }
  SimulatedLog& broker() { return broker_; }
  const std::vector<ParentLife>& parents() const { return parents_; }
  // The partition's end when the first instance got the process; -1: none ever does.
  Offset process_began() const { return process_began_; }

 private:
  void TickLater(size_t instance);
  void InstallProcess(size_t instance);
  void MisfortuneLater();
  void Misfortune();
  void CrashOne(size_t instance);
  void ChangeParent(size_t customer);

  const Product* const product_;
  Simulation* const simulation_;
  const Fortune fortune_;
  const Break broken_;
  Figures* const figures_;
  const OnCall on_call_;
  const ProcessSpec process_;
  SimulatedLog broker_;
  std::vector<std::unique_ptr<Instance>> instances_;
  size_t hinted_ = 0;
  Offset process_began_ = -1;
  bool misfortunes_ = true;
  bool ticking_ = true;
  std::vector<ParentLife> parents_;
  int64_t parent_records_ = 0;
};

}  // namespace rapport::model
