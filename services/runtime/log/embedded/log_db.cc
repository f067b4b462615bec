#include "services/runtime/log/embedded/log_db.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

constexpr size_t kMemtableBytes = 32 << 20;

rocksdb::Options LogOptions() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.write_buffer_size = kMemtableBytes;
  options.max_write_buffer_number = 4;
  options.stats_dump_period_sec = 0;
  options.keep_log_file_num = 2;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.wal_bytes_per_sync = 0;
  // A write that a crash cut short was not acknowledged. Anything else that is missing was, and
  // rocksdb's default would skip it without a word. What it cannot tell from a cut is a damaged
  // length in the last 32 KiB; projections that are ahead of the log tell of some of these.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.track_and_verify_wals_in_manifest = true;
  // Every partition is written at its end only, so levels overlap little.
  options.level_compaction_dynamic_level_bytes = true;
  options.max_background_jobs = 2;
  return options;
}

}  // namespace

absl::Status FromRocks(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  if (status.IsCorruption() || status.IsPathNotFound()) {
    return absl::DataLossError(
        absl::StrCat("the log is damaged: ", status.ToString(), "; restore it from a backup"));
  }
  return Unavailable(absl::StrCat("embedded log: ", status.ToString()), absl::Seconds(1));
}

absl::StatusOr<std::unique_ptr<rocksdb::DB>> OpenLogDb(const std::string& path, bool writable) {
  rocksdb::DB* db = nullptr;
  rocksdb::Status opened;
  if (writable) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    opened = rocksdb::DB::Open(LogOptions(), path, &db);
  } else {
    if (!std::filesystem::exists(path)) return NotFound(path, "no log is there");
    opened = rocksdb::DB::OpenForReadOnly(LogOptions(), path, &db);
  }
  if (opened.ok()) return std::unique_ptr<rocksdb::DB>(db);
  const absl::Status status = FromRocks(opened);
  if (absl::IsDataLoss(status)) return status;
  return Unavailable(absl::StrCat("cannot open the log in ", path, ": ", opened.ToString(),
                                  "; is another rapport running on this folder?"),
                     absl::Seconds(1));
}

}  // namespace rapport
