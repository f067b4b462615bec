// Which partition of its service a request is about, by the names in it alone: what a service and
// whoever looks for the instance to ask must agree on.
//
// Threads: immutable.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "services/runtime/aggregate/consistency.h"
#include "services/runtime/aggregate/method.h"
#include "services/runtime/aggregate/service_spec.h"
#include "services/runtime/log/log.h"

namespace rapport {

// In place of a partition's number, beside kReferencePartition.
inline constexpr int kAllPartitions = -2;

struct Target {
  std::string name;  // of the resource; empty where its id is made when it is decided
  std::string root;  // empty where the request is about many
  int partition = kAllPartitions;
};

class Targets {
 public:
  // `spec` must outlive it.
  Targets(const ServiceSpec& spec, int partitions)
      : spec_(spec), partitions_(partitions), has_reference_(HasReferenceData(spec)) {}

  // INVALID_ARGUMENT for a name of another form; NOT_FOUND for a root that the service cannot have.
  absl::StatusOr<Target> OfWrite(const Method& method, const Message& request,
                                 absl::string_view request_id) const;
  absl::StatusOr<Target> OfRead(const Method& method, const Message& request) const;

  absl::StatusOr<int> PartitionOfRoot(absl::string_view root) const;
  // As the log names it. Not of kAllPartitions.
  TopicPartition InLog(int partition) const;

 private:
  absl::StatusOr<Target> Named(std::string name) const;

  const ServiceSpec& spec_;
  const int partitions_;
  const bool has_reference_;
};

}  // namespace rapport
