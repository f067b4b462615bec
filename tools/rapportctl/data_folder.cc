#include "tools/rapportctl/data_folder.h"

#include <filesystem>
#include <future>
#include <thread>

#include "absl/strings/str_cat.h"
#include "services/allinone/node.h"
#include "services/runtime/log/embedded/embedded_log.h"

namespace rapport {
namespace {

// Each core builds one projection at a time; two memtables of each fit.
constexpr size_t kCacheBytes = size_t{256} << 20;
constexpr size_t kMemtableBytes = size_t{1} << 30;

}  // namespace

DataFolder::DataFolder() : resources_(kCacheBytes, kMemtableBytes) {}

absl::StatusOr<std::unique_ptr<DataFolder>> DataFolder::Open(const std::string& path) {
  const std::string log_path = path + "/log";
  if (!std::filesystem::exists(log_path)) {
    return NotFound(log_path, "there is no log; name the folder that rapport serve --data names");
  }
  auto folder = std::unique_ptr<DataFolder>(new DataFolder());
  auto log = OpenEmbeddedLog({.path = log_path, .min_free_bytes = 0});
  if (!log.ok()) {
    return Unavailable(absl::StrCat("the log is in use; stop the server on ", path,
                                    " first: ", log.status().message()),
                       absl::Seconds(1));
  }
  folder->log_ = *std::move(log);
  for (const auto& spec : AllServices()) RETURN_IF_ERROR(folder->AddService(spec, path));
  return folder;
}

absl::Status DataFolder::AddService(const ServiceSpec& spec, const std::string& path) {
  // Never installed here: neither a log nor anything made of one.
  if (absl::IsNotFound(log_->Partitions(TopicOf(spec.name)).status()) &&
      !std::filesystem::exists(absl::StrCat(path, "/projections/", spec.name))) {
    return absl::OkStatus();
  }
  ServiceFolder service{.name = spec.name, .registry = std::make_unique<Registry>(spec.aggregates)};
  const std::string topic = TopicOf(spec.name);
  ASSIGN_OR_RETURN(const int partitions, log_->Partitions(topic));
  for (int i = 0; i < partitions; ++i) {
    service.projections.push_back({{topic, i}, partitions, ProjectionPath(path, spec.name, i)});
  }
  if (HasReferenceData(spec)) {
    const TopicPartition reference{ReferenceTopicOf(spec.name), 0};
    ASSIGN_OR_RETURN(const int one, log_->Partitions(reference.topic));
    service.projections.push_back({reference, one, ReferenceProjectionPath(path, spec.name)});
  }
  services_.push_back(std::move(service));
  return absl::OkStatus();
}

absl::StatusOr<Offset> DataFolder::EndOf(const TopicPartition& partition) {
  std::promise<absl::StatusOr<Offset>> end;
  log_->End(partition, [&end](absl::StatusOr<Offset> offset) { end.set_value(offset); });
  return end.get_future().get();
}

void OnAllCores(size_t count, const std::function<void(size_t)>& work) {
  Executor executor(static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
  for (size_t i = 0; i < count; ++i) executor.Submit([&work, i] { work(i); });
}

}  // namespace rapport
