#include "tests/model/memory_db.h"

#include <iterator>
#include <utility>

namespace rapport::model {
namespace {

using Table = std::map<std::string, std::string, std::less<>>;

class Apply : public rocksdb::WriteBatch::Handler {
 public:
  explicit Apply(Table* rows) : rows_(rows) {}
  rocksdb::Status PutCF(uint32_t, const rocksdb::Slice& key, const rocksdb::Slice& value) override {
    rows_->insert_or_assign(key.ToString(), value.ToString());
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteCF(uint32_t, const rocksdb::Slice& key) override {
    rows_->erase(key.ToString());
    return rocksdb::Status::OK();
  }

 private:
  Table* const rows_;
};

}  // namespace

class MemoryDb::Rows : public rocksdb::Iterator {
 public:
  explicit Rows(const Table& rows) : rows_(rows), at_(rows.end()) {}

  bool Valid() const override { return at_ != rows_.end(); }
  void SeekToFirst() override { at_ = rows_.begin(); }
  void SeekToLast() override { at_ = rows_.empty() ? rows_.end() : std::prev(rows_.end()); }
  void Seek(const rocksdb::Slice& key) override { at_ = rows_.lower_bound(key.ToStringView()); }
  void SeekForPrev(const rocksdb::Slice& key) override {
    at_ = rows_.upper_bound(key.ToStringView());
    Prev();
  }
  void Next() override { ++at_; }
  void Prev() override { at_ = at_ == rows_.begin() ? rows_.end() : std::prev(at_); }
  rocksdb::Slice key() const override { return at_->first; }
  rocksdb::Slice value() const override { return at_->second; }
  rocksdb::Status status() const override { return rocksdb::Status::OK(); }

 private:
  const Table& rows_;
  Table::const_iterator at_;
};

rocksdb::Status MemoryDb::Get(const rocksdb::ReadOptions&, const rocksdb::Slice& key,
                              std::string* value) {
  const auto found = rows_.find(key.ToStringView());
  if (found == rows_.end()) return rocksdb::Status::NotFound();
  *value = found->second;
  return rocksdb::Status::OK();
}

rocksdb::Iterator* MemoryDb::NewIterator(const rocksdb::ReadOptions&) {
  return new Rows(rows_);
}

rocksdb::Status MemoryDb::Write(const rocksdb::WriteOptions&, rocksdb::WriteBatch* batch) {
  if (std::exchange(fail_next_write_, false)) return rocksdb::Status::IOError("no space");
  Apply apply(&rows_);
  writes_.push_back(batch->Data());
  return batch->Iterate(&apply);
}

}  // namespace rapport::model
