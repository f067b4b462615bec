#include "services/runtime/store/store.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "rocksdb/cache.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/table.h"
#include "rocksdb/write_buffer_manager.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

// Of one store; the process's budget is shared through the write buffer manager. What a crash takes
// of it is replayed from the log.
constexpr size_t kMemtableBytes = 2 << 20;
// Of one store in bulk: a partition of ordinary size is flushed once.
constexpr size_t kBulkMemtableBytes = 64 << 20;
constexpr double kBloomBitsPerKey = 10;

absl::Status DataLoss(const rocksdb::Status& status) {
  return absl::DataLossError(absl::StrCat("projection: ", status.ToString()));
}

class ForgetFilter : public rocksdb::CompactionFilter {
 public:
  explicit ForgetFilter(StoreResources::Forget forget) : forget_(std::move(forget)) {}
  const char* Name() const override { return "rapport.forget"; }
  bool Filter(int level, const rocksdb::Slice& key, const rocksdb::Slice& value,
              std::string* new_value, bool* value_changed) const override {
    return forget_(ToView(key), ToView(value));
  }

 private:
  const StoreResources::Forget forget_;
};

}  // namespace

StoreResources::~StoreResources() = default;

StoreResources::StoreResources(size_t cache_bytes, size_t memtable_bytes, Forget forget) {
  if (forget) {
    filter_ = std::make_unique<ForgetFilter>(std::move(forget));
    options_.compaction_filter = filter_.get();
  }
  auto cache = rocksdb::NewLRUCache(cache_bytes);
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  options_.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options_.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(memtable_bytes, cache);
  options_.create_if_missing = true;
  // Otherwise 130 stores preallocate more than most of them will ever hold.
  options_.allow_fallocate = false;
  options_.write_buffer_size = kMemtableBytes;
  options_.arena_block_size = 256 << 10;
  options_.memtable_prefix_bloom_size_ratio = 0.05;
  options_.memtable_whole_key_filtering = true;
  options_.max_background_jobs = 2;
  options_.level_compaction_dynamic_level_bytes = true;
  options_.stats_dump_period_sec = 0;
  options_.stats_persist_period_sec = 0;
  options_.keep_log_file_num = 2;
  options_.info_log_level = rocksdb::WARN_LEVEL;
}

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const StoreResources& resources,
                                                   const std::string& path, StoreMode mode) {
  rocksdb::Options options = resources.options();
  if (mode == StoreMode::kBulk) {
    options.write_buffer_size = kBulkMemtableBytes;
    options.disable_auto_compactions = true;
  }
  rocksdb::DB* db = nullptr;
  rocksdb::Status opened;
  if (mode == StoreMode::kReadOnly) {
    opened = rocksdb::DB::OpenForReadOnly(options, path, &db);
  } else {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    opened = rocksdb::DB::Open(options, path, &db);
  }
  if (opened.ok()) return Over(std::unique_ptr<rocksdb::DB>(db));
  if (opened.IsCorruption()) return DataLoss(opened);
  return Unavailable(absl::StrCat("cannot open the projection in ", path, ": ", opened.ToString()),
                     absl::Seconds(1));
}

absl::StatusOr<bool> Store::Get(absl::string_view key, std::string* value) const {
  const rocksdb::Status read = db_->Get({}, ToSlice(key), value);
  if (read.ok()) return true;
  if (read.IsNotFound()) return false;
  return DataLoss(read);
}

std::unique_ptr<rocksdb::Iterator> Store::NewIterator() const {
  return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator({}));
}

absl::Status Store::Write(rocksdb::WriteBatch* batch) {
  if (failed_) {
    if (const rocksdb::Status resumed = db_->Resume(); !resumed.ok()) return DataLoss(resumed);
  }
  const rocksdb::Status written = db_->Write(write_options_, batch);
  failed_ = !written.ok();
  return written.ok() ? absl::OkStatus() : DataLoss(written);
}

absl::Status Store::Flush() {
  const rocksdb::Status flushed = db_->Flush({});
  return flushed.ok() ? absl::OkStatus() : DataLoss(flushed);
}

}  // namespace rapport
