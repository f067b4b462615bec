// Holds what an owner made of the log against the log.
#pragma once

#include <optional>
#include <vector>

#include "services/runtime/store/store.h"
#include "tests/model/checker.h"

namespace rapport::model {

// Whether each projection is what a replay of the log makes of it up to its own position.
std::optional<Violation> CheckProjections(const Product& product, EventLog& log,
                                          const TopicPartition& partition,
                                          std::vector<const Store*> projections);

}  // namespace rapport::model
