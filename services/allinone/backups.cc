#include "services/allinone/backups.h"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/runtime/base/log_line.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

// Sorts by time.
constexpr char kName[] = "backup-%Y%m%dT%H%M%E3SZ";
constexpr char kPrefix[] = "backup-";
constexpr char kUnfinished[] = ".unfinished";

}  // namespace

Backups::Backups(BackupOptions options, Make make)
    : options_(std::move(options)), make_(std::move(make)), thread_([this] { Run(); }) {}

void Backups::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

absl::Time Backups::newest() const {
  std::lock_guard lock(mutex_);
  return newest_;
}

void Backups::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const absl::Time begun = absl::Now();
    const absl::Status made = MakeOne();
    if (made.ok()) {
      RemoveOld();
    } else {
      Log(Level::kError, "backup", {{"folder", options_.folder}, {"error", made.message()}});
    }
    lock.lock();
    if (made.ok()) newest_ = begun;
    wake_.wait_for(lock, absl::ToChronoNanoseconds(options_.every), [this] { return stopping_; });
  }
}

absl::Status Backups::MakeOne() {
  const std::string name = absl::FormatTime(kName, absl::Now(), absl::UTCTimeZone());
  const std::string place = absl::StrCat(options_.folder, "/", name);
  const std::string draft = place + kUnfinished;
  std::error_code error;
  std::filesystem::create_directories(draft, error);
  if (error) return Unavailable(absl::StrCat("cannot make ", draft, ": ", error.message()));
  RETURN_IF_ERROR(make_(draft));
  std::filesystem::rename(draft, place, error);
  if (error) return Unavailable(absl::StrCat("cannot name ", place, ": ", error.message()));
  Log(Level::kInfo, "backup", {{"folder", place}});
  return absl::OkStatus();
}

// And what was not finished, by whichever process: there is one at a time.
void Backups::RemoveOld() const {
  std::vector<std::string> whole;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(options_.folder, error)) {
    const std::string name = entry.path().filename();
    if (!absl::StartsWith(name, kPrefix)) continue;  // somebody else's
    if (absl::EndsWith(name, kUnfinished)) {
      std::filesystem::remove_all(entry.path(), error);
    } else {
      whole.push_back(entry.path());
    }
  }
  std::sort(whole.begin(), whole.end(), std::greater<>());
  for (size_t i = static_cast<size_t>(options_.keep); i < whole.size(); ++i) {
    std::filesystem::remove_all(whole[i], error);
  }
}

}  // namespace rapport
