#include "tools/rapportctl/rebuild.h"

#include <filesystem>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "services/runtime/aggregate/rebuild.h"

namespace rapport {
namespace {

absl::StatusOr<Offset> RebuildOne(DataFolder& data, const ServiceFolder& service,
                                  const ProjectionFolder& projection) {
  ASSIGN_OR_RETURN(const Offset end, data.EndOf(projection.partition));
  const std::string fresh = NextGeneration(projection.first);
  const std::string building = fresh + kBuilding;
  RETURN_IF_ERROR(BuildProjection(data, service, projection.partition, building, end));
  std::error_code error;
  std::filesystem::rename(building, fresh, error);
  if (error) {
    return absl::UnavailableError(absl::StrCat("cannot rename ", building, ": ", error.message()));
  }
  RemoveFormerGenerations(projection.first);
  return end;
}

}  // namespace

absl::Status BuildProjection(DataFolder& data, const ServiceFolder& service,
                             const TopicPartition& partition, const std::string& path,
                             Offset until) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  ASSIGN_OR_RETURN(const auto store, Store::Open(data.resources(), path, StoreMode::kBulk));
  return ReplayInto(data, service, partition, until, *store);
}

absl::Status ReplayInto(DataFolder& data, const ServiceFolder& service,
                        const TopicPartition& partition, Offset until, Store& store) {
  Replay replay({.partition = partition,
                 .log = &data.log(),
                 .registry = service.registry.get(),
                 .store = &store,
                 .batch_records = kBulkRecords});
  Position position;
  RETURN_IF_ERROR(replay.Run(until, &position));
  return store.Flush();
}

absl::StatusOr<RebuildFigures> RebuildService(DataFolder& data, const ServiceFolder& service) {
  RebuildFigures figures{.projections = service.projections.size()};
  absl::Status failed;
  std::mutex mutex;
  const absl::Time begin = absl::Now();
  OnAllCores(service.projections.size(), [&](size_t i) {
    const absl::StatusOr<Offset> records = RebuildOne(data, service, service.projections[i]);
    std::lock_guard lock(mutex);
    failed.Update(records.status());
    figures.records += records.value_or(0);
  });
  RETURN_IF_ERROR(failed);
  figures.duration = absl::Now() - begin;
  return figures;
}

}  // namespace rapport
