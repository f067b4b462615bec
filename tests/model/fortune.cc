#include "tests/model/fortune.h"

namespace rapport::model {

Fortune DrawFortune(Simulation& simulation, Break broken) {
  const auto chance = [&](double most) {
    return simulation.Happens(0.35) ? most * static_cast<double>(simulation.Below(100)) / 100 : 0;
  };
  Fortune fortune;
  fortune.instances = simulation.Happens(0.15) ? 1 : 2 + static_cast<int>(simulation.Below(2));
  fortune.faults = {.full = chance(0.2),
                    .lost = chance(0.15),
                    .torn = chance(0.15),
                    .holed = chance(0.15),
                    .late = chance(0.2),
                    .twice = chance(0.4),
                    .parted = chance(1),
                    .unanswered = chance(0.15),
                    .slow = chance(0.2),
                    .doubled_answer = chance(1),
                    .end_failed = chance(0.2),
                    .read_failed = chance(0.1),
                    .read_short = chance(1)};
  fortune.skewed_clocks = simulation.Happens(0.3);
  fortune.crash = chance(0.3);
  fortune.pause = chance(0.5);
  fortune.failed_write = chance(0.2);
  fortune.parent_change = chance(0.2);
  fortune.new_hint = chance(0.3);
  fortune.wrong_hint = chance(0.3);
  fortune.burst = chance(1);
  fortune.rushes = simulation.Happens(0.5);
  if (simulation.Happens(0.3)) fortune.stray = 1;
  fortune.process = simulation.Happens(0.3);
  if (broken != Break::kNone) fortune.process = IsOfProcess(broken);
  if (simulation.Happens(0.4)) fortune.patience = absl::Milliseconds(400);
  fortune.call_lost = chance(0.2);
  fortune.answer_lost = chance(0.2);
  fortune.answer_late = chance(0.3);
  fortune.react_failed = chance(0.3);
  return fortune;
}

}  // namespace rapport::model
