#include "services/runtime/aggregate/timers.h"

#include <algorithm>
#include <utility>

#include "services/runtime/aggregate/own_request_id.h"
#include "services/runtime/base/resource_name.h"
#include "services/runtime/rpc/ask.h"
#include "services/runtime/store/keys.h"

namespace rapport {
namespace {

// A timer fires at most this late on an idle machine.
constexpr absl::Duration kPeriod = absl::Milliseconds(200);
// A command of a timer whose outcome is unknown is sent again after this. One that was refused, as
// under a deleted customer, after twice as long each time, until what forbids it is gone.
constexpr absl::Duration kRepeatAfter = absl::Seconds(1);
constexpr absl::Duration kMaxRepeatAfter = absl::Minutes(10);

bool IsRefusal(const absl::Status& status) {
  return absl::IsFailedPrecondition(status) || absl::IsNotFound(status);
}

}  // namespace

void Timers::Tick() {
  {
    std::lock_guard lock(mutex_);
    if (busy_ || options_.shard->state() != Shard::State::kServing) return;
    if (options_.clock->Steady() < next_look_) return;
    busy_ = true;
  }
  options_.executor->Submit([this] { Look(); });
}

void Timers::Look() {
  const absl::Time now = options_.clock->Now();          // of what is due
  const absl::Time steady = options_.clock->Steady();    // of our own pauses
  std::vector<std::pair<std::string, std::string>> due;  // key, name
  {
    std::lock_guard lock(mutex_);
    const auto row = options_.shard->store().NewIterator();
    const std::string end = keys::Due(absl::ToUnixMicros(now) + 1, "");
    bool all_seen = true;
    for (row->Seek("D"); row->Valid() && ToView(row->key()) < end; row->Next()) {
      const std::string key = row->key().ToString();
      const auto fired = fired_.find(key);
      if (fired != fired_.end() && fired->second.until > steady) continue;
      all_seen = due.size() < kMaxFiringTimers;
      if (!all_seen) break;
      due.emplace_back(key, keys::NameIn(key));
    }
    // What is damaged the shard builds anew; the timers that were read are good.
    options_.shard->store().StatusOf(*row).IgnoreError();
    for (const auto& [key, name] : due) fired_[key].until = steady + kRepeatAfter;
    // What is over and was not seen is no longer in the table.
    if (all_seen) {
      absl::erase_if(fired_, [steady](const auto& fired) { return fired.second.until <= steady; });
    }
    firing_ = due.size();
    busy_ = !due.empty();
    next_look_ = steady + kPeriod;
  }
  for (const auto& [key, name] : due) Fire(key, name);
}

void Timers::Fire(const std::string& key, const std::string& name) {
  const AggregateType* type = options_.registry->FindByPlural(CollectionOf(name));
  Ask(
      *options_.handler, *options_.methods.at(type), {.actor = "timers"},
      [&](Message& request) {
        SetText(request, "name", name);
        SetText(request, "request_id", OwnRequestId(options_.secret, "timer", key));
      },
      [this, key](const Reply& reply) { Answered(key, reply.status); });
}

void Timers::Answered(const std::string& key, const absl::Status& status) {
  {
    std::lock_guard lock(mutex_);
    if (IsRefusal(status)) {
      Fired& fired = fired_[key];
      fired.pause = std::clamp(2 * fired.pause, kRepeatAfter, kMaxRepeatAfter);
      fired.until = options_.clock->Steady() + fired.pause;
    }
    if (--firing_ > 0) return;
  }
  options_.executor->Submit([this] { Look(); });
}

}  // namespace rapport
