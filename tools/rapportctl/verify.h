// Whether the projections say what the log says.
#pragma once

#include <string>
#include <vector>

#include "services/runtime/aggregate/check.h"
#include "tools/rapportctl/data_folder.h"

namespace rapport {

struct PartitionReport {
  TopicPartition partition;
  LogFigures log;
  Offset behind = 0;    // records that the projection has yet to apply; no problem
  int64_t entries = 0;  // in the canonical dump
  std::string digest;   // of the live projection's dump
  Problems problems;
};

// Checks the log alone, the live projection alone, and compares its dump with that of a copy that
// is replayed to the same offset, in a folder beside it that is removed. Problems hold whatever
// kept a partition from being checked, too. One report per partition, in order.
std::vector<PartitionReport> VerifyService(DataFolder& data, const ServiceFolder& service);

}  // namespace rapport
