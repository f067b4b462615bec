// What a service's topics and folders are called; tools read them too.
//
// Threads: any; RemoveOtherVersions while nobody has those open.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace rapport {

struct ServiceSpec;

std::string TopicOf(absl::string_view service);
std::string ReferenceTopicOf(absl::string_view service);
// "DIR/projections/sales/v1": one version's projections.
std::string ProjectionsPath(absl::string_view data_dir, const ServiceSpec& spec);
// The folder of a partition's projection, of its first generation (services/runtime/store/store.h).
std::string ProjectionPath(absl::string_view data_dir, const ServiceSpec& spec, int partition);
// The reference partition's.
std::string ReferenceProjectionPath(absl::string_view data_dir, const ServiceSpec& spec);

// Removes the projections of other versions.
void RemoveOtherVersions(absl::string_view data_dir, const ServiceSpec& spec);

}  // namespace rapport
