#include "tools/rapportctl/history/lists.h"

#include <algorithm>

namespace rapport::history {

Lists::Lists(const History& history)
    : tokens(history.keys.size()),
      agreed(history.keys.size()),
      longest(history.keys.size(), kNone),
      place(history.tokens.size(), kNone),
      reach(history.operations.size()),
      seen_in_(history.tokens.size(), kNone) {
  for (uint32_t key = 0; key < history.keys.size(); ++key) LayOut(history, key);
  seen_in_ = {};
}

void Lists::FindLongest(const History& history, uint32_t key) {
  size_t most = 0;
  for (const uint32_t index : history.OfKey(key)) {
    size_t count = 0;
    for (const uint32_t token : history.Shown(history.operations[index])) {
      if (seen_in_[token] == index || !history.MayShow(key, token)) continue;
      seen_in_[token] = index;
      ++count;
    }
    if (count > 0 && count >= most) {
      most = count;
      longest[key] = index;
    }
  }
}

void Lists::Place(uint32_t key, uint32_t token) {
  if (place[token] != kNone) return;
  place[token] = static_cast<uint32_t>(tokens[key].size());
  tokens[key].push_back(token);
}

void Lists::Extend(uint32_t key, uint32_t token, Reach* reach) const {
  uint32_t& end = place[token] < agreed[key] ? reach->agreed : reach->beyond;
  end = std::max(end, place[token] + 1);
}

void Lists::LayOut(const History& history, uint32_t key) {
  FindLongest(history, key);
  const auto shown_by = [&](uint32_t index, const auto& take) {
    for (const uint32_t token : history.Shown(history.operations[index])) {
      if (history.MayShow(key, token)) take(token);
    }
  };
  const auto place = [&](uint32_t token) { Place(key, token); };
  if (longest[key] != kNone) shown_by(longest[key], place);
  agreed[key] = static_cast<uint32_t>(tokens[key].size());
  for (const uint32_t index : history.OfKey(key)) {
    shown_by(index, place);
    shown_by(index, [&](uint32_t token) { Extend(key, token, &reach[index]); });
  }
  for (const uint32_t index : history.OfKey(key)) {
    const Operation& operation = history.operations[index];
    if (operation.reads() || !operation.ok()) continue;
    Place(key, operation.token);
    Extend(key, operation.token, &reach[index]);
  }
}

}  // namespace rapport::history
