// Which misfortunes a run meets: some and not others, so that none hides another.
#pragma once

#include "services/runtime/log/simulated/simulated_log.h"
#include "tests/model/broken.h"

namespace rapport::model {

// Chances, 0 to 1, where nothing else is said.
struct Fortune {
  int instances = 1;
  SimulatedFaults faults;
  bool skewed_clocks = false;
  double crash = 0;
  double pause = 0;
  double failed_write = 0;
  double parent_change = 0;
  double new_hint = 0;
  double wrong_hint = 0;
  double burst = 0;
  bool rushes = false;  // clients come all at once, so that batches are large
  double stray = 0.2;   // of a client, to ask another than the one that is hinted
  bool process = false;
  // How long it waits for an answer.
  absl::Duration patience = absl::Milliseconds(60);
  // Of a command of the process, to be lost on its way, and of its answer to be lost or come late;
  // and of the process itself, to fail.
  double call_lost = 0;
  double answer_lost = 0;
  double answer_late = 0;
  double react_failed = 0;
};

// Where the process is broken there is one, and where the protocol is there is none.
Fortune DrawFortune(Simulation& simulation, Break broken);

}  // namespace rapport::model
