// The projection of one partition: a RocksDB of its own, so that restore, checkpoint, corruption
// and hand-over are all per folder. It has no WAL: the log is the truth, and what was not flushed
// to files before a crash is replayed from the applied offset, which is written with every batch.
//
// Threads: Get and iterators from any thread; Write from one thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "rocksdb/compaction_filter.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"

namespace rapport {

// What all stores of a process share: block cache and memtable budget.
class StoreResources {
 public:
  // Whether a key and its value may be forgotten when files are compacted.
  using Forget = std::function<bool(absl::string_view key, absl::string_view value)>;

  // Bytes for cached blocks, and for memtables of all stores together. Nothing is forgotten where
  // `forget` is empty.
  StoreResources(size_t cache_bytes, size_t memtable_bytes, Forget forget = nullptr);
  ~StoreResources();
  const rocksdb::Options& options() const { return options_; }

 private:
  std::unique_ptr<rocksdb::CompactionFilter> filter_;
  rocksdb::Options options_;
};

enum class StoreMode {
  kLive,
  kReadOnly,
  // For a projection that is built from nothing and thrown away if that fails: large memtables, no
  // compaction.
  kBulk,
};

class Store {
 public:
  // UNAVAILABLE where another process has it open.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const StoreResources& resources,
                                                     const std::string& path,
                                                     StoreMode mode = StoreMode::kLive);

  // Over a database that is open already: what a simulation keeps in memory.
  static std::unique_ptr<Store> Over(std::unique_ptr<rocksdb::DB> db) {
    return std::unique_ptr<Store>(new Store(std::move(db)));
  }

  // False where there is no such key. A read error is DATA_LOSS.
  absl::StatusOr<bool> Get(absl::string_view key, std::string* value) const;

  // One consistent view for several reads; null reads the newest.
  std::unique_ptr<rocksdb::Iterator> NewIterator() const;

  // All or nothing. Closing keeps what was written; a crash may take the latest writes, oldest kept
  // first: the log has them.
  absl::Status Write(rocksdb::WriteBatch* batch);

  // Everything written so far survives a crash of the machine.
  absl::Status Flush();

  rocksdb::DB* db() const { return db_.get(); }

 private:
  explicit Store(std::unique_ptr<rocksdb::DB> db) : db_(std::move(db)) {
    write_options_.disableWAL = true;
  }

  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::WriteOptions write_options_;
  bool failed_ = false;
};

inline rocksdb::Slice ToSlice(absl::string_view text) {
  return {text.data(), text.size()};
}
inline absl::string_view ToView(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

}  // namespace rapport
