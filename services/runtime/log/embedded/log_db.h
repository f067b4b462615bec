// The embedded log's RocksDB: how it is opened, and what its failures mean.
//
// Threads: as RocksDB.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "rocksdb/db.h"

namespace rapport {

// NOT_FOUND where a log opened for reading is not there; UNAVAILABLE where another process has it;
// DATA_LOSS where its files are damaged or missing.
absl::StatusOr<std::unique_ptr<rocksdb::DB>> OpenLogDb(const std::string& path, bool writable);

// Damage is DATA_LOSS: it stops whoever reads the log, for there is nothing that it could be
// rebuilt from. Anything else is UNAVAILABLE.
absl::Status FromRocks(const rocksdb::Status& status);

}  // namespace rapport
