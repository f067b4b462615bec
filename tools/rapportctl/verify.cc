#include "tools/rapportctl/verify.h"

#include <filesystem>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "services/runtime/aggregate/dump.h"
#include "services/runtime/aggregate/replay.h"
#include "tools/rapportctl/rebuild.h"

namespace rapport {
namespace {

bool SamePlace(const Position& a, const Position& b) {
  return a.validity.claim.offset == b.validity.claim.offset &&
         a.validity.claim.id == b.validity.claim.id && a.validity.number == b.validity.number;
}

// `live` against a copy that is replayed to where `live` is.
absl::Status Compare(DataFolder& data, const ServiceFolder& service,
                     const ProjectionFolder& projection, const Store& live,
                     PartitionReport* report) {
  ASSIGN_OR_RETURN(const Position position, LoadPosition(live, kAppliedPosition));
  const std::string path = projection.path + ".verify";
  const absl::Cleanup remove = [&path] {
    std::error_code error;
    std::filesystem::remove_all(path, error);
  };
  RETURN_IF_ERROR(BuildProjection(data, service, projection.partition, path, position.next));
  ASSIGN_OR_RETURN(const auto copy, Store::Open(data.resources(), path, StoreMode::kReadOnly));
  ASSIGN_OR_RETURN(const Position copied, LoadPosition(*copy, kAppliedPosition));
  if (!SamePlace(position, copied)) {
    report->problems.push_back("the projection names another claim or number than the log");
  }
  ASSIGN_OR_RETURN(const Digest live_digest, DigestOf(live));
  ASSIGN_OR_RETURN(const Digest copy_digest, DigestOf(*copy));
  report->entries = live_digest.entries;
  report->digest = live_digest.bytes;
  if (live_digest == copy_digest) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto difference, FirstDifference(live, *copy));
  report->problems.push_back(absl::StrCat("projection and log differ, first in the ",
                                          DescribeKey(difference.value_or(""))));
  return absl::OkStatus();
}

absl::Status VerifyPartition(DataFolder& data, const ServiceFolder& service,
                             const ProjectionFolder& projection, PartitionReport* report) {
  ASSIGN_OR_RETURN(const Offset end, data.EndOf(projection.partition));
  ASSIGN_OR_RETURN(report->log, CheckLog(data.log(), projection.partition, projection.partitions,
                                         end, &report->problems));
  ASSIGN_OR_RETURN(const auto live,
                   Store::Open(data.resources(), projection.path, StoreMode::kReadOnly));
  ASSIGN_OR_RETURN(const Position position, LoadPosition(*live, kAppliedPosition));
  report->behind = end - position.next;
  if (report->behind < 0) {
    return absl::DataLossError(absl::StrCat("the projection is ", -report->behind,
                                            " records ahead of its log; was the log replaced?"));
  }
  RETURN_IF_ERROR(CheckProjection(*live, *service.registry, &report->problems));
  return Compare(data, service, projection, *live, report);
}

}  // namespace

std::vector<PartitionReport> VerifyService(DataFolder& data, const ServiceFolder& service) {
  std::vector<PartitionReport> reports(service.projections.size());
  OnAllCores(reports.size(), [&](size_t i) {
    reports[i].partition = service.projections[i].partition;
    const absl::Status verified =
        VerifyPartition(data, service, service.projections[i], &reports[i]);
    if (!verified.ok()) reports[i].problems.emplace_back(verified.message());
  });
  return reports;
}

}  // namespace rapport
