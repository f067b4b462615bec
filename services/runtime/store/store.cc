#include "services/runtime/store/store.h"

#include <chrono>
#include <filesystem>
#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
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

// The generation that a folder's name says beside `base`; 0 where it says none, 1 for `base`
// itself.
int GenerationOf(absl::string_view name, absl::string_view base) {
  if (!absl::ConsumePrefix(&name, base)) return 0;
  if (name.empty()) return 1;
  int generation = 0;
  const bool numbered = absl::ConsumePrefix(&name, ".") && absl::SimpleAtoi(name, &generation);
  return numbered && generation > 1 ? generation : 0;
}

// Calls `found(folder, generation)` for what is beside `path` and belongs to it.
template <class Found>
void EachGeneration(const std::string& path, const Found& found) {
  const std::filesystem::path base(path);
  std::error_code error;
  for (const auto& folder : std::filesystem::directory_iterator(base.parent_path(), error)) {
    const std::string name = folder.path().filename();
    const int generation = GenerationOf(name, base.filename().string());
    if (generation > 0) found(folder.path(), generation);
  }
}

int NewestGenerationNumber(const std::string& path) {
  int newest = 0;
  EachGeneration(path, [&](const auto&, int generation) { newest = std::max(newest, generation); });
  return newest;
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

std::string NewestGeneration(const std::string& path) {
  const int newest = NewestGenerationNumber(path);
  return newest > 1 ? absl::StrCat(path, ".", newest) : path;
}

std::string NextGeneration(const std::string& path) {
  return absl::StrCat(path, ".", std::max(1, NewestGenerationNumber(path)) + 1);
}

void RemoveFormerGenerations(const std::string& path) {
  const int newest = NewestGenerationNumber(path);
  std::vector<std::filesystem::path> former;
  EachGeneration(path, [&](const std::filesystem::path& folder, int generation) {
    if (generation < newest) former.push_back(folder);
  });
  former.push_back(absl::StrCat(path, ".", newest + 1, kBuilding));
  std::error_code error;
  for (const auto& folder : former) std::filesystem::remove_all(folder, error);
}

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
  explicit Pin(const Store& store) : opened_(&store.live()) {
    ++opened_->readers;
    // Where the stores were switched meanwhile, nobody may have seen this reader.
    while (opened_ != &store.live()) {
      --opened_->readers;
      opened_ = &store.live();
      ++opened_->readers;
    }
    db_ = opened_->db;
  }
  ~Pin() {
    if (!handed_over_) --opened_->readers;
  }
  Pin(const Pin&) = delete;

  rocksdb::DB* db() const { return db_; }
  // From now on the iterator counts as the reader.
  void HandOver(rocksdb::Iterator* iterator) {
    handed_over_ = true;
    iterator->RegisterCleanup(
        [](void* readers, void*) { --*static_cast<std::atomic<int>*>(readers); }, &opened_->readers,
        nullptr);
  }

 private:
  Opened* opened_;
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
  for (Opened& one : opened_) delete one.db.load();
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
  rocksdb::DB* db = live().db;
  if (db == nullptr) return Outcome(rocksdb::Status::ShutdownInProgress());
  if (failed_) RETURN_IF_ERROR(Outcome(db->Resume()));
  const rocksdb::Status written = db->Write(write_options_, batch);
  failed_ = !written.ok();
  return Outcome(written);
}

absl::Status Store::Flush() {
  rocksdb::DB* db = live().db;
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
  std::unique_ptr<rocksdb::DB> old(live().db.exchange(nullptr));
  // Reads are short, and new ones are refused.
  while (live().readers > 0) std::this_thread::sleep_for(kReaderPoll);
  old.reset();
  RETURN_IF_ERROR(MoveAside(path_));
  ASSIGN_OR_RETURN(auto fresh, OpenToWrite(options_, path_));
  failed_ = false;
  damaged_ = false;
  live().db = fresh.release();
  return absl::OkStatus();
}

void Store::SwitchTo(std::unique_ptr<Store> fresh) {
  const int next = 1 - live_;
  opened_[next].db = fresh->live().db.exchange(nullptr);
  former_path_ = std::exchange(path_, fresh->path_);
  options_ = fresh->options_;
  failed_ = false;
  damaged_ = false;
  live_ = next;
}

void Store::CloseFormer() {
  Opened& former = opened_[1 - live_];
  while (former.readers > 0) std::this_thread::sleep_for(kReaderPoll);
  delete former.db.exchange(nullptr);
  std::error_code error;
  std::filesystem::remove_all(former_path_, error);
}

}  // namespace rapport
