// The projection of one partition: a RocksDB of its own, so that restore, checkpoint, corruption
// and hand-over are all per folder. It has no WAL: the log is the truth, and what was not flushed
// to files before a crash is replayed from the applied offset, which is written with every batch.
//
// Files that were damaged or are missing are found when they are read: rocksdb checks every block.
// Such a store says so (damaged) until its owner replaces it by an empty one, which the log fills.
//
// A projection that is built anew beside a live one gets a folder beside its own, its generation:
// "3", "3.2", "3.3". The newest is the live one; what is not whole yet ends with ".building".
//
// Threads: Get, iterators, CopyTo and CloseFormer from any; Write, Flush, Replace and SwitchTo from
// one thread at a time.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "rocksdb/compaction_filter.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"

namespace google::protobuf {
class MessageLite;
}

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

// What the name of a folder ends with until it is whole.
inline constexpr char kBuilding[] = ".building";
// The folder of a projection's newest generation; `path` itself where there is none.
std::string NewestGeneration(const std::string& path);
// The folder of the one after that.
std::string NextGeneration(const std::string& path);
// Removes all generations of `path` but the newest, and what was not finished. What cannot be
// removed is only in the way of the disk.
void RemoveFormerGenerations(const std::string& path);

class Store {
 public:
  // DATA_LOSS where files are damaged or missing; UNAVAILABLE where another process has it open.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const StoreResources& resources,
                                                     const std::string& path,
                                                     StoreMode mode = StoreMode::kLive);
  // The same for writing; one that is damaged is moved aside first, and counts as replaced.
  static absl::StatusOr<std::unique_ptr<Store>> OpenOrReplace(const StoreResources& resources,
                                                              const std::string& path);
  ~Store();

  // Over a database that is open already and is never replaced: what a simulation keeps in memory.
  static std::unique_ptr<Store> Over(std::unique_ptr<rocksdb::DB> db) {
    return std::unique_ptr<Store>(new Store({}, "", std::move(db)));
  }
  const std::string& path() const { return path_; }

  // False where there is no such key. A read error is DATA_LOSS, and UNAVAILABLE while the store is
  // being replaced.
  absl::StatusOr<bool> Get(absl::string_view key, std::string* value) const;
  // The same, parsed; DATA_LOSS where it is no such message.
  absl::StatusOr<bool> Get(absl::string_view key, google::protobuf::MessageLite* message) const;

  // One consistent view for several reads, to be given back soon: Replace waits for it. Its status
  // is told by StatusOf.
  std::unique_ptr<rocksdb::Iterator> NewIterator() const;
  absl::Status StatusOf(const rocksdb::Iterator& iterator) const;

  // All or nothing. Closing keeps what was written; a crash may take the latest writes, oldest kept
  // first: the log has them.
  absl::Status Write(rocksdb::WriteBatch* batch);

  // Everything written so far survives a crash of the machine.
  absl::Status Flush();

  // A copy of all that was written so far, in a new folder: hard links to files that never change
  // where the file system can, so that it takes no time and, at first, no room. From any thread.
  absl::Status CopyTo(const std::string& folder) const;

  // Whether a read or write has met a damaged or missing file since the store was opened.
  bool damaged() const { return damaged_; }
  // Moves the folder to "<path>.damaged", in place of what was moved there before, and begins an
  // empty one. Where that fails, nothing can be read until it is called again.
  absl::Status Replace();
  // How often that happened; a reader that saw it change has read of two stores.
  int replaced() const { return replaced_; }

  // Reads and writes go to `fresh` from now on, which says the same. Reads under way go on with
  // what was there, until CloseFormer; at most one may wait for that.
  void SwitchTo(std::unique_ptr<Store> fresh);
  // Waits for the last of them, and removes the folder.
  void CloseFormer();

 private:
  // Counts a reader, so that the database is not closed under it.
  class Pin;
  struct Opened {
    std::atomic<rocksdb::DB*> db{nullptr};  // owned; null while it is being replaced
    std::atomic<int> readers{0};
  };

  Store(rocksdb::Options options, std::string path, std::unique_ptr<rocksdb::DB> db)
      : options_(std::move(options)), path_(std::move(path)) {
    opened_[0].db = db.release();
    write_options_.disableWAL = true;
  }
  Opened& live() const { return opened_[live_]; }
  absl::Status Outcome(const rocksdb::Status& status) const;

  rocksdb::Options options_;
  std::string path_;
  std::string former_path_;
  mutable std::array<Opened, 2> opened_;  // the live one, and one whose last readers are awaited
  std::atomic<int> live_{0};
  mutable std::atomic<bool> damaged_{false};
  std::atomic<int> replaced_{0};
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
