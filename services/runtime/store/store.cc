#include "services/runtime/store/store.h"

#include <chrono>
#include <filesystem>
#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/message_lite.h"
#include "rocksdb/cache.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/table.h"
#include "rocksdb/utilities/checkpoint.h"
#include "rocksdb/write_buffer_manager.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

// Of one store; the process's budget is shared through the write buffer manager. What a crash takes
// of it is replayed from the log.
constexpr size_t kMemtableBytes = 4 << 20;
// Of one store in bulk: a partition of ordinary size is flushed once.
constexpr size_t kBulkMemtableBytes = 64 << 20;
constexpr double kBloomBitsPerKey = 10;
// A compaction rewrites most of a store that is still small, so it waits for so many files. Filters
// keep reads from looking into them all.
constexpr int kFilesToCompact = 8;
// How often the last readers of a damaged store are looked for.
constexpr auto kReaderPoll = std::chrono::milliseconds(1);

absl::Status DataLoss(const rocksdb::Status& status) {
  return absl::DataLossError(absl::StrCat("projection: ", status.ToString()));
}

absl::Status CannotOpen(const std::string& path, const rocksdb::Status& opened) {
  return Unavailable(absl::StrCat("cannot open the projection in ", path, ": ", opened.ToString()),
                     absl::Seconds(1));
}

// Whether files are not what was written, or not there. A full disk or a file that may not be read
// is something else: an operator's to mend, and nothing to throw away.
bool IsDamage(const rocksdb::Status& status) {
  return status.IsCorruption() || status.IsPathNotFound() || status.IsInvalidArgument() ||
         status.IsNotSupported();
}

// One is kept for whoever wants to know what happened; more would fill the disk.
absl::Status MoveAside(const std::string& path) {
  const std::string aside = path + ".damaged";
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return absl::OkStatus();
  std::filesystem::remove_all(aside, error);
  if (!error) std::filesystem::rename(path, aside, error);
  if (!error) return absl::OkStatus();
  return Unavailable(absl::StrCat("cannot move ", path, " to ", aside, ": ", error.message()),
                     absl::Seconds(1));
}

absl::StatusOr<std::unique_ptr<rocksdb::DB>> OpenToWrite(const rocksdb::Options& options,
                                                         const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(options, path, &db);
  if (opened.ok()) return std::unique_ptr<rocksdb::DB>(db);
  if (IsDamage(opened)) return DataLoss(opened);
  return CannotOpen(path, opened);
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
  // In pieces: the index of a large file is megabytes, and a cache that is full read it anew for
  // every key. Its keys begin alike, and so are written without what they share.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.index_block_restart_interval = 16;
  table.enable_index_compression = false;
  options_.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options_.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(memtable_bytes, cache);
  options_.create_if_missing = true;
  // Otherwise 130 stores preallocate more than most of them will ever hold.
  options_.allow_fallocate = false;
  options_.write_buffer_size = kMemtableBytes;
  options_.level0_file_num_compaction_trigger = kFilesToCompact;
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

class Store::Pin {
 public:
  explicit Pin(const Store& store) : store_(store) {
    ++store.readers_;
    db_ = store.db_;
  }
  ~Pin() {
    if (!handed_over_) --store_.readers_;
  }
  Pin(const Pin&) = delete;

  rocksdb::DB* db() const { return db_; }
  // From now on the iterator counts as the reader.
  void HandOver(rocksdb::Iterator* iterator) {
    handed_over_ = true;
    iterator->RegisterCleanup(
        [](void* readers, void*) { --*static_cast<std::atomic<int>*>(readers); }, &store_.readers_,
        nullptr);
  }

 private:
  const Store& store_;
  rocksdb::DB* db_ = nullptr;
  bool handed_over_ = false;
};

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const StoreResources& resources,
                                                   const std::string& path, StoreMode mode) {
  rocksdb::Options options = resources.options();
  std::unique_ptr<rocksdb::DB> db;
  if (mode == StoreMode::kReadOnly) {
    rocksdb::DB* opened = nullptr;
    const rocksdb::Status status = rocksdb::DB::OpenForReadOnly(options, path, &opened);
    if (status.IsCorruption()) return DataLoss(status);
    if (!status.ok()) return CannotOpen(path, status);
    db.reset(opened);
  } else {
    if (mode == StoreMode::kBulk) {
      options.write_buffer_size = kBulkMemtableBytes;
      options.disable_auto_compactions = true;
    }
    ASSIGN_OR_RETURN(db, OpenToWrite(options, path));
  }
  return std::unique_ptr<Store>(new Store(options, path, std::move(db)));
}

absl::StatusOr<std::unique_ptr<Store>> Store::OpenOrReplace(const StoreResources& resources,
                                                            const std::string& path) {
  auto store = Open(resources, path);
  if (!absl::IsDataLoss(store.status())) return store;
  RETURN_IF_ERROR(MoveAside(path));
  ASSIGN_OR_RETURN(auto fresh, Open(resources, path));
  ++fresh->replaced_;
  return fresh;
}

Store::~Store() {
  delete db_.load();
}

absl::Status Store::Outcome(const rocksdb::Status& status) const {
  if (status.ok()) return absl::OkStatus();
  if (status.IsShutdownInProgress()) return Unavailable("the projection is being replaced");
  if (IsDamage(status)) damaged_ = true;
  return DataLoss(status);
}

absl::StatusOr<bool> Store::Get(absl::string_view key, std::string* value) const {
  const Pin pin(*this);
  if (pin.db() == nullptr) return Outcome(rocksdb::Status::ShutdownInProgress());
  const rocksdb::Status read = pin.db()->Get({}, ToSlice(key), value);
  if (read.IsNotFound() && !read.IsPathNotFound()) return false;
  RETURN_IF_ERROR(Outcome(read));
  return true;
}

absl::StatusOr<bool> Store::Get(absl::string_view key,
                                google::protobuf::MessageLite* message) const {
  std::string bytes;
  ASSIGN_OR_RETURN(const bool found, Get(key, &bytes));
  if (!found || message->ParseFromString(bytes)) return found;
  return absl::DataLossError(absl::StrCat("projection: \"", absl::CHexEscape(key), "\" holds no ",
                                          message->GetTypeName(), "; rebuild it"));
}

std::unique_ptr<rocksdb::Iterator> Store::NewIterator() const {
  Pin pin(*this);
  if (pin.db() == nullptr) {
    return std::unique_ptr<rocksdb::Iterator>(
        rocksdb::NewErrorIterator(rocksdb::Status::ShutdownInProgress()));
  }
  std::unique_ptr<rocksdb::Iterator> iterator(pin.db()->NewIterator({}));
  pin.HandOver(iterator.get());
  return iterator;
}

absl::Status Store::StatusOf(const rocksdb::Iterator& iterator) const {
  return Outcome(iterator.status());
}

absl::Status Store::Write(rocksdb::WriteBatch* batch) {
  rocksdb::DB* db = db_;
  if (db == nullptr) return Outcome(rocksdb::Status::ShutdownInProgress());
  if (failed_) RETURN_IF_ERROR(Outcome(db->Resume()));
  const rocksdb::Status written = db->Write(write_options_, batch);
  failed_ = !written.ok();
  return Outcome(written);
}

absl::Status Store::Flush() {
  rocksdb::DB* db = db_;
  if (db == nullptr) return Outcome(rocksdb::Status::ShutdownInProgress());
  return Outcome(db->Flush({}));
}

absl::Status Store::CopyTo(const std::string& folder) const {
  const Pin pin(*this);
  if (pin.db() == nullptr) return Outcome(rocksdb::Status::ShutdownInProgress());
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status copied = rocksdb::Checkpoint::Create(pin.db(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  if (copied.ok()) copied = checkpoint->CreateCheckpoint(folder);
  return Outcome(copied);
}

absl::Status Store::Replace() {
  ++replaced_;
  std::unique_ptr<rocksdb::DB> old(db_.exchange(nullptr));
  // Reads are short, and new ones are refused.
  while (readers_ > 0) std::this_thread::sleep_for(kReaderPoll);
  old.reset();
  RETURN_IF_ERROR(MoveAside(path_));
  ASSIGN_OR_RETURN(auto fresh, OpenToWrite(options_, path_));
  failed_ = false;
  damaged_ = false;
  db_ = fresh.release();
  return absl::OkStatus();
}

}  // namespace rapport
