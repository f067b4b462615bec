// A log moved to another place, record for record: claims and void records included, so that every
// offset, epoch and number stays what it was, and projections made from the one fit the other.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "services/runtime/log/log.h"

namespace rapport {

struct CopyFigures {
  int64_t copied = 0;    // records
  int64_t compared = 0;  // read back from the copy and found to be the original's
};

// Copies all topics of all services from `from`, where nobody writes meanwhile, to `to`, where they
// are made if they are missing. What an earlier run has copied stays; it is compared as well. Every
// offset is checked, every record read back. `told`, where there is one, hears of each partition
// that is done.
//
// FAILED_PRECONDITION where `to` has another number of partitions, or holds something that `from`
// does not; ABORTED where `from` grew meanwhile.
absl::StatusOr<CopyFigures> CopyLog(
    EventLog& from, EventLog& to, const std::function<void(const TopicPartition&)>& told = nullptr);

}  // namespace rapport
