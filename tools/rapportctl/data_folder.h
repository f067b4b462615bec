// The data folder of a server that is stopped: its log and its projections, for rebuild and verify.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "services/runtime/aggregate/service.h"
#include "services/runtime/log/log.h"

namespace rapport {

// One partition's projection.
struct ProjectionFolder {
  TopicPartition partition;
  int partitions = 0;  // of its topic
  std::string path;
};

// A service's aggregates, and all of its projections.
struct ServiceFolder {
  std::string name;
  std::unique_ptr<Registry> registry;
  std::vector<ProjectionFolder> projections;
};

// Holds the log's lock, so that no server starts meanwhile.
// Threads: log() and resources() from any; the rest is immutable.
class DataFolder {
 public:
  // NOT_FOUND where there is no log; UNAVAILABLE where a server runs on it.
  static absl::StatusOr<std::unique_ptr<DataFolder>> Open(const std::string& path);

  EventLog& log() { return *log_; }
  const StoreResources& resources() const { return resources_; }
  const std::vector<ServiceFolder>& services() const { return services_; }

  // The offset after the partition's last record.
  absl::StatusOr<Offset> EndOf(const TopicPartition& partition);

 private:
  DataFolder();
  absl::Status AddService(const ServiceSpec& spec, const std::string& path);

  StoreResources resources_;
  std::unique_ptr<EventLog> log_;
  std::vector<ServiceFolder> services_;
};

// Calls `work` with 0 … count-1, as many at a time as there are cores.
void OnAllCores(size_t count, const std::function<void(size_t)>& work);

}  // namespace rapport
