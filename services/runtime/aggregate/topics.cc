#include "services/runtime/aggregate/topics.h"

#include "absl/strings/str_cat.h"

namespace rapport {

std::string TopicOf(absl::string_view service) {
  return absl::StrCat("rapport.", service);
}
std::string ReferenceTopicOf(absl::string_view service) {
  return absl::StrCat("rapport.", service, ".reference");
}
std::string ProjectionPath(absl::string_view data_dir, absl::string_view service, int partition) {
  return absl::StrCat(data_dir, "/projections/", service, "/", partition);
}
std::string ReferenceProjectionPath(absl::string_view data_dir, absl::string_view service) {
  return absl::StrCat(data_dir, "/projections/", service, "/reference");
}

}  // namespace rapport
