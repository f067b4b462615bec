// A projection's database in memory, with what a crash may leave of it.
//
// Threads: one.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "rocksdb/utilities/stackable_db.h"
#include "rocksdb/write_batch.h"

namespace rapport::model {

class MemoryDb : public rocksdb::StackableDB {
 public:
  MemoryDb() : StackableDB(static_cast<rocksdb::DB*>(nullptr)) {}

  // Every write so far, in order. A crash keeps the first of them, however few: there is no WAL.
  const std::vector<std::string>& writes() const { return writes_; }
  // The next write fails, and changes nothing.
  void FailNextWrite() { fail_next_write_ = true; }

  using StackableDB::Get;
  rocksdb::Status Get(const rocksdb::ReadOptions& options, const rocksdb::Slice& key,
                      std::string* value) override;
  using StackableDB::NewIterator;
  // Of the newest; a write ends it.
  rocksdb::Iterator* NewIterator(const rocksdb::ReadOptions& options) override;
  rocksdb::Status Write(const rocksdb::WriteOptions& options, rocksdb::WriteBatch* batch) override;
  rocksdb::Status Resume() override { return rocksdb::Status::OK(); }

 private:
  class Rows;

  std::map<std::string, std::string, std::less<>> rows_;
  std::vector<std::string> writes_;
  bool fail_next_write_ = false;
};

}  // namespace rapport::model
