// What operators ask of this instance: rapport.log.v1.Projections.
//
// Threads: Handle from any; End and destruction from one. A rebuild has a thread of its own, as it
// takes as long as its log is long.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "services/runtime/aggregate/service.h"

namespace rapport {

class Operations : public Handler {
 public:
  // Of the services that run here, which outlive this.
  explicit Operations(std::vector<Service*> services) : services_(std::move(services)) {}
  ~Operations() override;

  static const ServiceDescriptor* Rpc();
  void Handle(CallPtr call) override;

  // Projections that were rebuilt since the start.
  int rebuilt() const { return rebuilt_; }
  // A rebuild under way is given up, and none is begun any more.
  void End() { ended_ = true; }

 private:
  Reply List() const;
  void Rebuild(CallPtr call);
  absl::StatusOr<std::pair<Service*, int>> Find(const std::string& topic, int partition) const;

  const std::vector<Service*> services_;
  std::atomic<bool> ended_{false};
  std::atomic<int> rebuilt_{0};
  std::mutex mutex_;
  std::thread rebuild_;
  bool rebuilding_ = false;
};

}  // namespace rapport
