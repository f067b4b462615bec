// What a service's topics and folders are called; tools read them too.
//
// Threads: pure functions.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace rapport {

std::string TopicOf(absl::string_view service);
std::string ReferenceTopicOf(absl::string_view service);
std::string ProjectionPath(absl::string_view data_dir, absl::string_view service, int partition);
// The folder of the reference partition's projection.
std::string ReferenceProjectionPath(absl::string_view data_dir, absl::string_view service);

}  // namespace rapport
