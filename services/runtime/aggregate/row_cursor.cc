#include "services/runtime/aggregate/row_cursor.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/runtime/base/status.h"
#include "services/runtime/store/keys.h"

namespace rapport {
namespace {

// To the next row that is wanted; beyond, a search is cheaper.
constexpr int kMaxSteps = 4;

// The first key behind all that begin with `prefix`, whose last byte is a separator.
std::string Behind(std::string prefix) {
  ++prefix.back();
  return prefix;
}

}  // namespace

RowCursor::RowCursor(const Store& store, absl::string_view plural, std::string prefix,
                     absl::string_view after, Direction direction, size_t read_ahead)
    : store_(store),
      plural_(plural),
      prefix_(std::move(prefix)),
      direction_(direction),
      read_ahead_(read_ahead),
      walk_(store.NewIterator()) {
  if (direction_ == kForward) {
    // The zero byte makes it the first key behind that position.
    walk_->Seek(after.empty() ? prefix_ : absl::StrCat(prefix_, after, keys::Zero()));
    return;
  }
  walk_->Seek(after.empty() ? Behind(prefix_) : absl::StrCat(prefix_, after));
  if (walk_->Valid()) {
    walk_->Prev();
  } else if (walk_->status().ok()) {
    walk_->SeekToLast();
  }
}

void RowCursor::Step() {
  direction_ == kForward ? walk_->Next() : walk_->Prev();
}

void RowCursor::Next() {
  if (at_ < ahead_.size()) {
    ++at_;
  } else {
    Step();
  }
}

absl::string_view RowCursor::position() const {
  const absl::string_view key =
      at_ < ahead_.size() ? absl::string_view(ahead_[at_].key) : ToView(walk_->key());
  return key.substr(prefix_.size());
}

absl::StatusOr<absl::string_view> RowCursor::row() {
  if (prefix_[0] == 'R' || prefix_[0] == 'F') return ToView(walk_->value());
  if (at_ == ahead_.size()) RETURN_IF_ERROR(ReadAhead());
  return absl::string_view(ahead_[at_].row);
}

absl::Status RowCursor::ReadAhead() {
  ahead_.clear();
  at_ = 0;
  for (; ahead_.size() < read_ahead_ && WalkIsValid(); Step()) {
    ahead_.push_back({.key = walk_->key().ToString()});
  }
  return ahead_.size() == 1 ? ReadAlone(ahead_[0]) : ReadTogether();
}

std::string RowCursor::RowKey(const Entry& entry) const {
  return keys::Row(plural_, keys::NameIn(entry.key));
}

absl::Status RowCursor::ReadAlone(Entry& entry) const {
  return store_.Get(RowKey(entry), &entry.row).status();
}

// By name: rows of one parent lie together, and the newest of them, whose ids grow with time,
// side by side. A step to a neighbour costs far less than a search.
absl::Status RowCursor::ReadTogether() {
  std::vector<std::pair<std::string, Entry*>> by_key;
  for (Entry& entry : ahead_) by_key.emplace_back(RowKey(entry), &entry);
  std::sort(by_key.begin(), by_key.end());
  const auto rows = store_.NewIterator();
  for (const auto& [key, entry] : by_key) {
    for (int step = 0; step < kMaxSteps && rows->Valid() && rows->key().compare(key) < 0; ++step) {
      rows->Next();
    }
    if (!rows->Valid() || rows->key().compare(key) < 0) rows->Seek(key);
    if (rows->Valid() && rows->key() == key) entry->row = rows->value().ToString();
  }
  return store_.StatusOf(*rows);
}

}  // namespace rapport
