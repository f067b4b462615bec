#include "tests/unit/rapportctl/history/random_history.h"

#include <algorithm>
#include <array>
#include <optional>

#include "absl/strings/str_cat.h"

namespace rapport::history {
namespace {

constexpr size_t kKeys = 3;
constexpr size_t kProcesses = 6;
constexpr size_t kHosts = 2;
constexpr int kSteps = 400;
// Of two clocks.
constexpr int64_t kSkew = -1'000'000;

// How much is seen of each key.
using Cover = std::array<size_t, kKeys>;

Cover Join(const Cover& a, const Cover& b) {
  Cover joined;
  for (size_t key = 0; key < kKeys; ++key) joined[key] = std::max(a[key], b[key]);
  return joined;
}

class Maker {
 public:
  explicit Maker(Random& random) : random_(random) {}

  Made Run() && {
    for (int step = 0; step < kSteps; ++step) {
      ++time_;
      if (Chance(10)) DoLate();
      Step(random_() % kProcesses);
    }
    for (auto& process : processes_) process.reset();
    for (size_t key = 0; key < kKeys; ++key) {
      for (const bool answer : {false, true, true}) {
        ++time_;
        answer ? Step(0) : Invoke(0, "strong", key);
      }
    }
    return std::move(made_);
  }

 private:
  enum class Fate { kAnswered, kFails, kUnknown };
  struct Pending {
    size_t operation;
    size_t key;
    Fate fate;
    bool done = false;
    size_t reach = 0;
  };

  bool Chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
  size_t HostOf(size_t process) const { return process % kHosts; }
  int64_t Clock(size_t host) const { return time_ + static_cast<int64_t>(host) * kSkew; }

  void Step(size_t process) {
    auto& pending = processes_[process];
    if (!pending) {
      Invoke(process, Chance(50) ? "append" : Chance(70) ? "read" : "strong", random_() % kKeys);
    } else if (!pending->done) {
      Do(*pending);
    } else {
      Answer(process);
    }
  }

  void Invoke(size_t process, const std::string& f, size_t key) {
    const size_t index = made_.operations.size();
    const bool append = f == "append";
    Recorded recorded{.f = f};
    if (append) recorded.token = absl::StrCat("t", index);
    recorded.Of(absl::StrCat("customers/", key))
        .By(static_cast<int>(process))
        .On(absl::StrCat("host-", HostOf(process)));
    recorded.invoked = Clock(HostOf(process));
    Cover base{};
    if (last_[process] && Chance(60)) recorded.after.push_back(*last_[process]);
    if (!answered_.empty() && Chance(25)) {
      recorded.after.push_back(answered_[random_() % answered_.size()]);
    }
    for (size_t& op : recorded.after) {
      base = Join(base, covers_[op]);
      ++op;  // ops are numbered from 1
    }
    made_.operations.push_back(std::move(recorded));
    made_.required.push_back(std::max(base[key], f == "strong" ? known_[HostOf(process)][key] : 0));
    covers_.push_back(base);
    const int dice = static_cast<int>(random_() % 100);
    processes_[process] = Pending{.operation = index,
                                  .key = key,
                                  .fate = append && dice < 5    ? Fate::kFails
                                          : append && dice < 20 ? Fate::kUnknown
                                                                : Fate::kAnswered};
  }

  void Do(Pending& pending) {
    pending.done = true;
    Recorded& recorded = made_.operations[pending.operation];
    auto& list = lists_[pending.key];
    if (recorded.f == "append") {
      if (pending.fate == Fate::kFails) return;
      if (pending.fate == Fate::kUnknown && Chance(60)) {
        if (Chance(50)) late_.push_back({pending.key, recorded.token});
        return;
      }
      list.push_back(recorded.token);
      pending.reach = list.size();
      return;
    }
    pending.reach = list.size();
    const size_t least = covers_[pending.operation][pending.key];
    if (recorded.f == "read") pending.reach = least + random_() % (list.size() - least + 1);
    for (size_t i = 0; i < pending.reach; ++i) recorded.shown.push_back(InQuotes(list[i]));
  }

  void Answer(size_t process) {
    const Pending pending = *processes_[process];
    processes_[process].reset();
    Recorded& recorded = made_.operations[pending.operation];
    const size_t host = HostOf(process);
    if (pending.fate == Fate::kUnknown) {
      recorded.answer = "info";
      if (Chance(50)) recorded.answered = Clock(host);
      return;
    }
    recorded.answered = Clock(host);
    if (pending.fate == Fate::kFails) {
      recorded.answer = "fail";
      return;
    }
    size_t& covered = covers_[pending.operation][pending.key];
    covered = std::max(covered, pending.reach);
    known_[host][pending.key] = std::max(known_[host][pending.key], pending.reach);
    last_[process] = pending.operation;
    answered_.push_back(pending.operation);
  }

  void DoLate() {
    if (late_.empty()) return;
    const size_t which = random_() % late_.size();
    lists_[late_[which].first].push_back(late_[which].second);
    late_.erase(late_.begin() + static_cast<ptrdiff_t>(which));
  }

  Random& random_;
  int64_t time_ = 0;
  Made made_;
  std::array<std::vector<std::string>, kKeys> lists_;
  std::array<std::optional<Pending>, kProcesses> processes_;
  std::array<std::optional<size_t>, kProcesses> last_;
  std::vector<size_t> answered_;
  std::vector<Cover>
      covers_;  // operation -> what its token covers, from its answer on its answer's
  std::array<Cover, kHosts> known_{};
  std::vector<std::pair<size_t, std::string>> late_;  // done when nobody waits any more
};

// A read, and a place in what it shows.
struct Spot {
  size_t read;
  size_t place;
};

// One of all spots that will do.
std::optional<Spot> FindSpot(Random& random, const Made& made,
                             const std::function<bool(const Recorded&, Spot)>& will_do) {
  std::vector<Spot> spots;
  for (size_t read = 0; read < made.operations.size(); ++read) {
    const Recorded& recorded = made.operations[read];
    for (size_t place = 0; recorded.answered && place < recorded.shown.size(); ++place) {
      if (will_do(recorded, {read, place})) spots.push_back({read, place});
    }
  }
  if (spots.empty()) return std::nullopt;
  return spots[random() % spots.size()];
}

// Whether another read of the same list reaches this far.
bool AnotherShows(const Made& made, const Recorded& read, size_t place) {
  return std::any_of(made.operations.begin(), made.operations.end(), [&](const Recorded& other) {
    return &other != &read && other.answered && other.key == read.key && other.shown.size() > place;
  });
}

auto At(std::vector<std::string>& list, size_t place) {
  return list.begin() + static_cast<ptrdiff_t>(place);
}

}  // namespace

Made MakeHistory(Random& random) {
  return Maker(random).Run();
}

bool Drop(Random& random, Made& made) {
  const auto spot = FindSpot(random, made, [&](const Recorded& read, Spot at) {
    return at.place < made.required[at.read] && AnotherShows(made, read, at.place);
  });
  if (!spot) return false;
  auto& shown = made.operations[spot->read].shown;
  shown.erase(At(shown, spot->place));
  return true;
}

bool Duplicate(Random& random, Made& made) {
  const auto spot = FindSpot(random, made, [](const Recorded&, Spot) { return true; });
  if (!spot) return false;
  auto& shown = made.operations[spot->read].shown;
  const std::string token = shown[spot->place];
  shown.insert(At(shown, random() % (shown.size() + 1)), token);
  return true;
}

bool Swap(Random& random, Made& made) {
  const auto spot = FindSpot(random, made, [&](const Recorded& read, Spot at) {
    return at.place + 1 < read.shown.size() && AnotherShows(made, read, at.place + 1);
  });
  if (!spot) return false;
  auto& shown = made.operations[spot->read].shown;
  std::swap(shown[spot->place], shown[spot->place + 1]);
  return true;
}

bool SwapForAll(Random& random, Made& made) {
  const auto append_of = [&](const std::string& shown) -> const Recorded& {
    return *std::find_if(made.operations.begin(), made.operations.end(), [&](const Recorded& one) {
      return one.f == "append" && InQuotes(one.token) == shown;
    });
  };
  const auto spot = FindSpot(random, made, [&](const Recorded& read, Spot at) {
    if (at.place + 1 >= read.shown.size()) return false;
    const Recorded& first = append_of(read.shown[at.place]);
    const Recorded& second = append_of(read.shown[at.place + 1]);
    return first.host == second.host && first.answer == "ok" && first.answered &&
           *first.answered < second.invoked;
  });
  if (!spot) return false;
  const Recorded chosen = made.operations[spot->read];
  for (auto& other : made.operations) {
    if (other.key != chosen.key || other.shown.size() <= spot->place) continue;
    other.shown[spot->place] = chosen.shown[spot->place + 1];
    if (other.shown.size() > spot->place + 1) {
      other.shown[spot->place + 1] = chosen.shown[spot->place];
    }
  }
  return true;
}

bool Tear(Random& random, Made& made) {
  const auto spot = FindSpot(random, made, [](const Recorded&, Spot) { return true; });
  if (!spot) return false;
  std::string& shown = made.operations[spot->read].shown[spot->place];
  shown = absl::StrCat("[", shown, ",\"half\"]");
  return true;
}

bool Invent(Random& random, Made& made) {
  const auto spot = FindSpot(random, made, [](const Recorded&, Spot) { return true; });
  if (!spot) return false;
  auto& shown = made.operations[spot->read].shown;
  shown.insert(At(shown, spot->place), InQuotes("invented"));
  return true;
}

bool MakeStale(Random& random, Made& made) {
  const auto spot = FindSpot(
      random, made, [&](const Recorded&, Spot at) { return at.place < made.required[at.read]; });
  if (!spot) return false;
  made.operations[spot->read].shown.resize(spot->place);
  return true;
}

}  // namespace rapport::history
