// Rows of one partition in a list's order: the rows themselves by name, as an index names them, or
// those of a table that is kept in one order only.
//
// Threads: one; it sees the store as it was when it was made.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/runtime/store/store.h"

namespace rapport {

class RowCursor {
 public:
  enum Direction { kForward, kBackward };

  // Walks the keys that begin with `prefix`, which ends a part of a key (store/keys.h), from behind
  // the position `after` on where it is not empty. The rows that an index names are read so many at
  // a time. `plural`, which only an index needs, outlives the cursor.
  RowCursor(const Store& store, absl::string_view plural, std::string prefix,
            absl::string_view after, Direction direction, size_t read_ahead);

  bool Valid() const { return at_ < ahead_.size() || WalkIsValid(); }
  void Next();
  // What orders rows: the key behind `prefix`.
  absl::string_view position() const;
  // To be asked once it is no longer valid.
  absl::Status status() const { return store_.StatusOf(*walk_); }

  // The row's bytes, until Next. A row that its index names exists: both are written in one batch.
  absl::StatusOr<absl::string_view> row();

 private:
  struct Entry {
    std::string key;  // of the index
    std::string row;
  };

  bool WalkIsValid() const { return walk_->Valid() && walk_->key().starts_with(prefix_); }
  void Step();
  absl::Status ReadAhead();
  std::string RowKey(const Entry& entry) const;
  absl::Status ReadAlone(Entry& entry) const;
  absl::Status ReadTogether();

  const Store& store_;
  const absl::string_view plural_;
  const std::string prefix_;
  const Direction direction_;
  const size_t read_ahead_;
  std::unique_ptr<rocksdb::Iterator> walk_;
  std::vector<Entry> ahead_;  // what the walk has passed and the list has not
  size_t at_ = 0;
};

}  // namespace rapport
