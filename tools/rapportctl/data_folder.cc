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

DataFolder::DataFolder(FolderLock lock)
    : lock_(std::move(lock)), resources_(kCacheBytes, kMemtableBytes) {}

absl::StatusOr<std::unique_ptr<DataFolder>> DataFolder::Open(
    const std::string& path, const std::optional<KafkaLogOptions>& kafka) {
  const std::string inside = path + (kafka ? "/projections" : "/log");
  if (!std::filesystem::exists(inside)) {
    return NotFound(inside, kafka ? "there are no projections; name the folder of --data"
                                  : "there is no log; name the folder that rapport serve --data "
                                    "names, and --kafka where the events are there");
  }
  ASSIGN_OR_RETURN(FolderLock lock, FolderLock::Take(path));
  auto folder = std::unique_ptr<DataFolder>(new DataFolder(std::move(lock)));
  ASSIGN_OR_RETURN(folder->log_, kafka ? OpenKafkaLog(*kafka)
                                       : OpenEmbeddedLog({.path = inside, .min_free_bytes = 0}));
  for (const auto& spec : AllServices()) {
    RETURN_IF_ERROR(folder->AddService(spec, path, kafka.has_value()));
  }
  return folder;
}

absl::Status DataFolder::AddService(const ServiceSpec& spec, const std::string& path, bool shared) {
  // Never installed here: nothing was made of its log. On Kafka that may be there all the same.
  const bool projected = std::filesystem::exists(absl::StrCat(path, "/projections/", spec.name));
  const bool logged = !shared && log_->Partitions(TopicOf(spec.name)).ok();
  if (!projected && !logged) return absl::OkStatus();
  ServiceFolder service{.name = spec.name, .registry = std::make_unique<Registry>(spec.aggregates)};
  const std::string topic = TopicOf(spec.name);
  ASSIGN_OR_RETURN(const int partitions, log_->Partitions(topic));
  const auto add = [&service](TopicPartition partition, int of, const std::string& first) {
    service.projections.push_back({std::move(partition), of, NewestGeneration(first), first});
  };
  for (int i = 0; i < partitions; ++i) add({topic, i}, partitions, ProjectionPath(path, spec, i));
  if (HasReferenceData(spec)) {
    const TopicPartition reference{ReferenceTopicOf(spec.name), 0};
    ASSIGN_OR_RETURN(const int one, log_->Partitions(reference.topic));
    add(reference, one, ReferenceProjectionPath(path, spec));
  }
  services_.push_back(std::move(service));
  return absl::OkStatus();
}

absl::StatusOr<Offset> DataFolder::EndOf(const TopicPartition& partition) {
  return rapport::EndOf(*log_, partition);
}

absl::StatusOr<Offset> EndOf(EventLog& log, const TopicPartition& partition) {
  std::promise<absl::StatusOr<Offset>> end;
  log.End(partition, [&end](absl::StatusOr<Offset> offset) { end.set_value(offset); });
  return end.get_future().get();
}

void OnAllCores(size_t count, const std::function<void(size_t)>& work) {
  ForEach(count, static_cast<int>(std::max(1U, std::thread::hardware_concurrency())), work);
}

}  // namespace rapport
