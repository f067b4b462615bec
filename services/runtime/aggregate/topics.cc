#include "services/runtime/aggregate/topics.h"

#include <filesystem>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/runtime/aggregate/service_spec.h"
#include "services/runtime/base/log_line.h"

namespace rapport {

std::string TopicOf(absl::string_view service) {
  return absl::StrCat("rapport.", service);
}
std::string ReferenceTopicOf(absl::string_view service) {
  return absl::StrCat("rapport.", service, ".reference");
}
std::string ProjectionsPath(absl::string_view data_dir, const ServiceSpec& spec) {
  return absl::StrCat(data_dir, "/projections/", spec.name, "/v", spec.projection_version);
}
std::string ProjectionPath(absl::string_view data_dir, const ServiceSpec& spec, int partition) {
  return absl::StrCat(ProjectionsPath(data_dir, spec), "/", partition);
}
std::string ReferenceProjectionPath(absl::string_view data_dir, const ServiceSpec& spec) {
  return absl::StrCat(ProjectionsPath(data_dir, spec), "/reference");
}

void RemoveOtherVersions(absl::string_view data_dir, const ServiceSpec& spec) {
  const std::filesystem::path own = ProjectionsPath(data_dir, spec);
  std::error_code error;
  std::vector<std::filesystem::path> others;
  for (const auto& folder : std::filesystem::directory_iterator(own.parent_path(), error)) {
    if (folder.path() != own) others.push_back(folder.path());
  }
  for (const auto& folder : others) {
    std::filesystem::remove_all(folder, error);
    Log(Level::kInfo, "other_version_removed",
        {{"folder", folder.string()}, {"error", error ? error.message() : ""}});
  }
}

}  // namespace rapport
