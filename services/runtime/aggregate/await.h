// Waits for what starts: for as long as something moves, as a long log takes its time; and not
// where the process is to end.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace rapport {

struct Awaited {
  std::string what;                      // "sales", for messages
  std::function<absl::Status()> health;  // OK: it is there
  std::function<int64_t()> moved;        // any number that changes as long as it gets on
  std::function<bool()> ended;           // whether the process is to end; never where empty
  absl::Duration patience;               // for how long nothing may move
};

// CANCELLED where `ended` says that the process is to end; `what` is for the message.
absl::Status CheckGoesOn(const std::string& what, const std::function<bool()>& ended);

// OK once the health is. DEADLINE_EXCEEDED with the last health where nothing moves, CANCELLED
// where the process is to end. Says every ten seconds how far it is.
absl::Status AwaitHealth(const Awaited& awaited);

}  // namespace rapport
