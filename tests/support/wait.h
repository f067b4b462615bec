// What tests of threads and folders share.
#pragma once

#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace rapport::testing_support {

// So long that only a test that would fail anyway waits for it.
inline constexpr absl::Duration kPatience = absl::Seconds(60);

// Waits for a condition, not for a while. False where it never came.
inline bool WaitUntil(const std::function<bool()>& condition) {
  const absl::Time deadline = absl::Now() + kPatience;
  while (!condition()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(1));
  }
  return true;
}

// A value that another thread sets once.
template <class T>
class Eventually {
 public:
  void Set(T value) {
    std::lock_guard lock(mutex_);
    value_ = std::move(value);
    set_.notify_all();
  }
  bool IsSet() const {
    std::lock_guard lock(mutex_);
    return value_.has_value();
  }
  // Stops the test program where it is never set: a call that is never answered is the worst bug.
  T Get() const {
    std::unique_lock lock(mutex_);
    if (!set_.wait_for(lock, absl::ToChronoSeconds(kPatience),
                       [this] { return value_.has_value(); })) {
      std::fprintf(stderr, "never answered\n");
      std::abort();
    }
    return *value_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable set_;
  std::optional<T> value_;
};

// A folder that is gone with the test.
class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rapport_test_XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  TempFolder(const TempFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace rapport::testing_support
