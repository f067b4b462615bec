#include "tools/rapportctl/history/needs.h"

#include <algorithm>
#include <tuple>

namespace rapport::history {
namespace {

// At `time` of its host's clock something was learned, or a strong read was begun.
struct Moment {
  uint32_t host;
  int64_t time;
  bool learned;
  uint32_t operation;

  // Of the same instant nobody knows the order: the read comes first and need not see.
  auto Key() const { return std::tuple(host, time, learned, operation); }
};

void Raise(Need& need, uint32_t reach, uint32_t source) {
  if (reach > need.reach) need = {reach, source};
}

}  // namespace

std::vector<Needs> NeedsOfStrongReads(const History& history, const Lists& lists) {
  std::vector<Needs> needs(history.operations.size());
  std::vector<Moment> moments;
  for (uint32_t key = 0; key < history.keys.size(); ++key) {
    moments.clear();
    for (const uint32_t index : history.OfKey(key)) {
      const Operation& operation = history.operations[index];
      if (!operation.ok()) continue;
      moments.push_back({operation.host, operation.completed, true, index});
      if (operation.kind == Kind::kStrongRead) {
        moments.push_back({operation.host, operation.invoked, false, index});
      }
    }
    std::sort(moments.begin(), moments.end(),
              [](const Moment& a, const Moment& b) { return a.Key() < b.Key(); });
    Needs known;
    uint32_t host = kNone;
    for (const Moment& moment : moments) {
      if (moment.host != host) known = {};
      host = moment.host;
      if (moment.learned) {
        const Reach& reach = lists.reach[moment.operation];
        Raise(known.agreed, reach.agreed, moment.operation);
        Raise(known.beyond, reach.beyond, moment.operation);
      } else {
        needs[moment.operation] = known;
      }
    }
  }
  return needs;
}

std::vector<Needs> NeedsUnderTokens(const History& history, const Lists& lists) {
  std::vector<Needs> needs(history.operations.size());
  std::vector<bool> carried(history.operations.size());
  for (const uint32_t index : history.after) carried[index] = true;
  Covers covers;
  std::vector<Covers::Cover> cover_of(history.operations.size(), Covers::kNothing);
  for (const uint32_t index : history.causal_order) {
    const Operation& operation = history.operations[index];
    Covers::Cover cover = Covers::kNothing;
    for (const uint32_t earlier : history.After(operation)) {
      cover = covers.Joined(cover, cover_of[earlier]);
    }
    // Two keys of the cover for each of the history.
    const uint32_t agreed = operation.key * 2;
    const uint32_t beyond = agreed + 1;
    needs[index] = {covers.Of(cover, agreed), covers.Of(cover, beyond)};
    if (!carried[index]) continue;
    const Reach& reach = lists.reach[index];
    if (reach.agreed > 0) cover = covers.Raised(cover, agreed, {reach.agreed, index});
    if (reach.beyond > 0) cover = covers.Raised(cover, beyond, {reach.beyond, index});
    cover_of[index] = cover;
  }
  return needs;
}

}  // namespace rapport::history
