// A fixed pool of threads that runs tasks in the order in which they came.
//
// Threads: all functions may be called from any thread. Tasks must not block on other tasks.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"

namespace rapport {

class Executor {
 public:
  explicit Executor(int threads);
  // Runs what was submitted, then stops.
  ~Executor();
  Executor(const Executor&) = delete;

  void Submit(absl::AnyInvocable<void()> task);

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<absl::AnyInvocable<void()>> tasks_;
  int idle_ = 0;  // threads that wait; a task wakes one only if there is one
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace rapport
