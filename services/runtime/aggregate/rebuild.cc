#include "services/runtime/aggregate/rebuild.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

// Between two looks at whether the process is to end.
constexpr Offset kRecordsAtOnce = 16 * kBulkRecords;
// So few may be left for the strand.
constexpr Offset kFewRecords = kReplayRecords;

absl::Status NotReadable() {
  return Unavailable("a followed log's end is not readable yet");
}

}  // namespace

Rebuild::Rebuild(RebuildOptions options)
    : options_(std::move(options)), path_(NextGeneration(options_.path)) {}

Rebuild::~Rebuild() {
  std::error_code error;
  std::filesystem::remove_all(path_ + kBuilding, error);
  if (store_ == nullptr) return;
  store_.reset();
  std::filesystem::remove_all(path_, error);
}

// What fills the store goes on where the store is.
absl::Status Rebuild::Open(const std::string& path, StoreMode mode) {
  joins_.clear();
  store_.reset();
  ASSIGN_OR_RETURN(store_, Store::Open(*options_.resources, path, mode));
  replay_.emplace(ReplayOptions{.partition = options_.partition,
                                .log = options_.log,
                                .registry = options_.registry,
                                .store = store_.get(),
                                .batch_records = kBulkRecords});
  ASSIGN_OR_RETURN(position_, LoadPosition(*store_, kAppliedPosition));
  if (options_.parents) {
    parents_.emplace(*options_.parents, options_.parents_collection, options_.log, store_.get());
    RETURN_IF_ERROR(parents_->Load());
  }
  for (const Join& join : options_.joins) {
    joins_.push_back(join.Into(store_.get()));
    RETURN_IF_ERROR(joins_.back().Load());
  }
  return absl::OkStatus();
}

absl::Status Rebuild::Run(const std::function<Offset()>& applied,
                          const std::function<bool()>& ended) {
  const std::string building = path_ + kBuilding;
  std::error_code error;
  std::filesystem::remove_all(building, error);
  RETURN_IF_ERROR(Open(building, StoreMode::kBulk));
  RETURN_IF_ERROR(Fill(applied, ended));
  RETURN_IF_ERROR(store_->Flush());
  store_.reset();
  std::filesystem::rename(building, path_, error);
  if (error) {
    return Unavailable(absl::StrCat("cannot rename ", building, ": ", error.message()));
  }
  RETURN_IF_ERROR(Open(path_, StoreMode::kLive));
  return Fill(applied, ended);
}

absl::Status Rebuild::Fill(const std::function<Offset()>& applied,
                           const std::function<bool()>& ended) {
  const auto is_ended = [&ended] { return ended && ended(); };
  for (Offset until = applied(); position_.next + kFewRecords < until || position_.next == 0;
       until = applied()) {
    if (is_ended()) return absl::CancelledError("the process is to end");
    if (until == 0) break;
    until = std::min(until, position_.next + kRecordsAtOnce);
    RETURN_IF_ERROR(replay_->Run(until, &position_));
  }
  if (parents_) RETURN_IF_ERROR(parents_->Follow());
  for (Join& join : joins_) {
    for (bool more = true; more;) {
      if (is_ended()) return absl::CancelledError("the process is to end");
      ASSIGN_OR_RETURN(more, join.Follow());
    }
  }
  return absl::OkStatus();
}

absl::Status Rebuild::CatchUp(const Reached& live) {
  RETURN_IF_ERROR(replay_->Run(live.applied, &position_));
  if (parents_ && parents_->next() < live.followed) RETURN_IF_ERROR(parents_->Follow());
  if (parents_ && parents_->next() < live.followed) return NotReadable();
  for (size_t i = 0; i < joins_.size(); ++i) {
    while (joins_[i].next() < live.joined[i]) {
      ASSIGN_OR_RETURN(const bool more, joins_[i].Follow());
      if (!more) return NotReadable();
    }
  }
  return absl::OkStatus();
}

}  // namespace rapport
