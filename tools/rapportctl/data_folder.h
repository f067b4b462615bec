// The data folder of a server that is stopped: its projections, and its log, there or on Kafka.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "services/runtime/aggregate/service.h"
#include "services/runtime/log/kafka/kafka_log.h"
#include "services/runtime/log/log.h"
#include "services/runtime/store/folder_lock.h"

namespace rapport {

// One partition's projection.
struct ProjectionFolder {
  TopicPartition partition;
  int partitions = 0;  // of its topic
  std::string path;    // of its newest generation
  std::string first;   // of its first generation, which need not be there any more
};

// A service's aggregates, and all of its projections.
struct ServiceFolder {
  std::string name;
  std::unique_ptr<Registry> registry;
  std::vector<ProjectionFolder> projections;
};

// Holds the folder's lock, so that no server starts on it meanwhile.
// Threads: log() and resources() from any; the rest is immutable.
class DataFolder {
 public:
  // The log is on Kafka where that is named. NOT_FOUND where there is no log; UNAVAILABLE where a
  // server runs on the folder.
  static absl::StatusOr<std::unique_ptr<DataFolder>> Open(
      const std::string& path, const std::optional<KafkaLogOptions>& kafka = std::nullopt);

  EventLog& log() { return *log_; }
  const StoreResources& resources() const { return resources_; }
  const std::vector<ServiceFolder>& services() const { return services_; }

  // The offset after the partition's last record.
  absl::StatusOr<Offset> EndOf(const TopicPartition& partition);

 private:
  explicit DataFolder(FolderLock lock);
  absl::Status AddService(const ServiceSpec& spec, const std::string& path, bool shared);

  const FolderLock lock_;
  StoreResources resources_;
  std::unique_ptr<EventLog> log_;
  std::vector<ServiceFolder> services_;
};

// The offset after a partition's last record.
absl::StatusOr<Offset> EndOf(EventLog& log, const TopicPartition& partition);

// Calls `work` with 0 … count-1, as many at a time as there are cores.
void OnAllCores(size_t count, const std::function<void(size_t)>& work);

}  // namespace rapport
