// The canonical dump of a projection: what any two projections of one log at one offset have in
// common, byte for byte.
//
// All keys and values of the tables R I T D F H Q (store/keys.h), in key order. Left out are
// request ids that are older than the window, which a projection may have dropped or not; followed
// parents, which depend on how another topic's records came in between; and positions, which are
// how far it is and not what it says.
//
//   ASSIGN_OR_RETURN(const Digest live, DigestOf(*store));
// Threads: one per Dump; the store may be written meanwhile, the dump is of the moment it began.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/runtime/store/store.h"

namespace rapport {

// Walks the entries of a dump.
class Dump {
 public:
  // DATA_LOSS where the store's position cannot be read: the window depends on its time.
  static absl::StatusOr<Dump> Of(const Store& store);

  bool Valid() const { return row_->Valid(); }
  absl::string_view key() const { return ToView(row_->key()); }
  absl::string_view value() const { return ToView(row_->value()); }
  void Next();
  // To be asked once it is no longer valid: DATA_LOSS where it ended for a read error.
  absl::Status status() const;

 private:
  Dump(std::unique_ptr<rocksdb::Iterator> row, int64_t window_begin_seconds);
  void SkipWhatDiffers();
  bool IsOldRequest() const;

  std::unique_ptr<rocksdb::Iterator> row_;
  int64_t window_begin_seconds_;
};

struct Digest {
  std::string bytes;  // equal for equal dumps; for a person: absl::BytesToHexString
  int64_t entries = 0;
  bool operator==(const Digest&) const = default;
};

absl::StatusOr<Digest> DigestOf(const Store& store);

// The first key, in key order, that only one of them has or that has two values; none where the
// dumps are equal.
absl::StatusOr<std::optional<std::string>> FirstDifference(const Store& left, const Store& right);

// A key for a person: "row customers/a/orders/b", "history of customers/a, sequence 5".
std::string DescribeKey(absl::string_view key);

}  // namespace rapport
