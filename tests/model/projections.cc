#include "tests/model/projections.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/runtime/aggregate/dump.h"
#include "services/runtime/aggregate/replay.h"
#include "tests/model/memory_db.h"

namespace rapport::model {

std::optional<Violation> CheckProjections(const Product& product, EventLog& log,
                                          const TopicPartition& partition,
                                          std::vector<const Store*> projections) {
  std::vector<std::pair<Position, const Store*>> by_position;
  for (const Store* projection : projections) {
    const absl::StatusOr<Position> position = LoadPosition(*projection, kAppliedPosition);
    if (!position.ok()) {
      return Violation{Promise::kProjection, std::string(position.status().message())};
    }
    by_position.emplace_back(*position, projection);
  }
  std::sort(by_position.begin(), by_position.end(),
            [](const auto& left, const auto& right) { return left.first.next < right.first.next; });
  const std::unique_ptr<Store> fresh = Store::Over(std::make_unique<MemoryDb>());
  Replay replay(
      {.partition = partition, .log = &log, .registry = &product.registry(), .store = fresh.get()});
  Position replayed;
  for (const auto& [position, projection] : by_position) {
    absl::Status status = replay.Run(position.next, &replayed);
    if (!status.ok()) return Violation{Promise::kProjection, std::string(status.message())};
    const auto difference = FirstDifference(*projection, *fresh);
    if (!difference.ok() || difference->has_value()) {
      return Violation{Promise::kProjection,
                       absl::StrCat("at offset ", position.next, " another ",
                                    difference.ok() ? DescribeKey(**difference) : "failure")};
    }
    if (position.validity.claim.id != replayed.validity.claim.id ||
        position.validity.number != replayed.validity.number) {
      return Violation{Promise::kProjection,
                       absl::StrCat("at offset ", position.next, " another claim or number")};
    }
  }
  return std::nullopt;
}

}  // namespace rapport::model
