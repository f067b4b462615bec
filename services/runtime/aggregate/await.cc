#include "services/runtime/aggregate/await.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/runtime/base/clock.h"
#include "services/runtime/base/log_line.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

constexpr absl::Duration kPoll = absl::Milliseconds(5);
constexpr absl::Duration kBetweenReports = absl::Seconds(10);

}  // namespace

absl::Status CheckGoesOn(const std::string& what, const std::function<bool()>& ended) {
  if (!ended || !ended()) return absl::OkStatus();
  return absl::CancelledError(absl::StrCat(what, " was to end before it served"));
}

absl::Status AwaitHealth(const Awaited& awaited) {
  absl::Status health = awaited.health();
  int64_t moved = awaited.moved();
  absl::Time moved_at = SteadyNow(), reported_at = moved_at;
  while (!health.ok()) {
    RETURN_IF_ERROR(CheckGoesOn(awaited.what, awaited.ended));
    absl::SleepFor(kPoll);
    health = awaited.health();
    const absl::Time now = SteadyNow();
    if (const int64_t by_now = awaited.moved(); by_now != moved) {
      moved = by_now;
      moved_at = now;
    }
    if (now > moved_at + awaited.patience && !health.ok()) {
      return absl::DeadlineExceededError(
          absl::StrCat(awaited.what, " does not serve, and nothing moved for ",
                       absl::FormatDuration(awaited.patience), ": ", health.message()));
    }
    if (now > reported_at + kBetweenReports) {
      reported_at = now;
      Log(Level::kInfo, "starting",
          {{"what", awaited.what},
           {"records", absl::StrCat(moved)},
           {"waits_for", health.message()}});
    }
  }
  return absl::OkStatus();
}

}  // namespace rapport
