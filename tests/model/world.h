// One run: clients of a cluster, all from one seed; then the checker's verdict.
#pragma once

#include <optional>

#include "tests/model/broken.h"
#include "tests/model/checker.h"
#include "tests/model/figures.h"
#include "tests/model/workload.h"

namespace rapport::model {

struct Outcome {
  std::optional<Violation> violation;
  Figures figures;
  uint64_t digest = 0;  // of all that was logged and answered: equal for equal runs
};

// Threads: runs may go side by side; each is its thread's own.
Outcome Play(const Product& product, uint64_t seed, Break broken = Break::kNone);

}  // namespace rapport::model
