#include "services/runtime/aggregate/dump.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/runtime/aggregate/replay.h"
#include "services/runtime/aggregate/shard.h"
#include "services/runtime/base/hash.h"
#include "services/runtime/base/status.h"
#include "services/runtime/store/keys.h"

namespace rapport {
namespace {

bool IsDumped(absl::string_view key) {
  return !key.empty() && absl::StrContains("RITDFHQ", keys::TableOf(key));
}

}  // namespace

absl::StatusOr<Dump> Dump::Of(const Store& store) {
  ASSIGN_OR_RETURN(const Position position, LoadPosition(store, kAppliedPosition));
  return Dump(store.NewIterator(), position.record_time.seconds() - kRequestWindowSeconds);
}

Dump::Dump(std::unique_ptr<rocksdb::Iterator> row, int64_t window_begin_seconds)
    : row_(std::move(row)), window_begin_seconds_(window_begin_seconds) {
  row_->SeekToFirst();
  SkipWhatDiffers();
}

void Dump::Next() {
  row_->Next();
  SkipWhatDiffers();
}

void Dump::SkipWhatDiffers() {
  while (Valid() && (!IsDumped(key()) || IsOldRequest())) row_->Next();
}

bool Dump::IsOldRequest() const {
  if (keys::TableOf(key()) != 'Q') return false;
  log::v1::AnsweredRequest answered;
  // One that cannot be read is shown: it is a difference.
  return answered.ParseFromArray(row_->value().data(), static_cast<int>(row_->value().size())) &&
         answered.record_time().seconds() <= window_begin_seconds_;
}

absl::Status Dump::status() const {
  if (row_->status().ok()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("projection: ", row_->status().ToString()));
}

absl::StatusOr<Digest> DigestOf(const Store& store) {
  ASSIGN_OR_RETURN(Dump dump, Dump::Of(store));
  Digest digest;
  for (; dump.Valid(); dump.Next()) {
    // Each hash is the key of the next, so order counts; the length keeps key and value apart.
    digest.bytes = KeyedHash(
        digest.bytes, absl::StrCat(keys::BigEndian(dump.key().size()), dump.key(), dump.value()));
    ++digest.entries;
  }
  RETURN_IF_ERROR(dump.status());
  return digest;
}

absl::StatusOr<std::optional<std::string>> FirstDifference(const Store& left, const Store& right) {
  ASSIGN_OR_RETURN(Dump ours, Dump::Of(left));
  ASSIGN_OR_RETURN(Dump theirs, Dump::Of(right));
  while (ours.Valid() && theirs.Valid() && ours.key() == theirs.key() &&
         ours.value() == theirs.value()) {
    ours.Next();
    theirs.Next();
  }
  if (!ours.Valid()) RETURN_IF_ERROR(ours.status());
  if (!theirs.Valid()) RETURN_IF_ERROR(theirs.status());
  if (!ours.Valid() && !theirs.Valid()) return std::nullopt;
  if (!theirs.Valid()) return std::string(ours.key());
  if (!ours.Valid()) return std::string(theirs.key());
  return std::string(std::min(ours.key(), theirs.key()));
}

std::string DescribeKey(absl::string_view key) {
  switch (keys::TableOf(key)) {
    case 'R':
      return absl::StrCat("row ", keys::NameIn(key));
    case 'I': {
      const std::vector<absl::string_view> parts =
          absl::StrSplit(keys::RestOf(key), keys::kSeparator);
      return absl::StrCat("index ", parts[0], ".", parts.size() > 1 ? parts[1] : "", " of ",
                          keys::NameIn(key));
    }
    case 'T':
      return absl::StrCat("index by time of ", keys::NameIn(key));
    case 'D':
      return absl::StrCat("timer of ", keys::NameIn(key));
    case 'F':
      return absl::StrCat("refused reaction ", keys::RefusedRequestIn(key));
    case 'H':
      return absl::StrCat("history of ", keys::RootIn(key), ", sequence ", keys::SequenceIn(key));
    case 'Q':
      return absl::StrCat("request id ", keys::RestOf(key), " of ", keys::RootIn(key));
    default:
      return absl::StrCat("key ", key);
  }
}

}  // namespace rapport
