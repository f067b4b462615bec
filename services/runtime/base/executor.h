// A fixed pool of threads that runs tasks in the order in which they came.
//
// Threads: all functions may be called from any thread. Tasks must not block on other tasks.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"

namespace rapport {

class Executor {
 public:
  // Without threads (0) tasks wait for RunOne.
  explicit Executor(int threads);
  // Runs what was submitted, where there are threads, then stops.
  ~Executor();
  Executor(const Executor&) = delete;

  void Submit(absl::AnyInvocable<void()> task);

  // Runs the oldest task that waits, on this thread. False where there is none.
  bool RunOne();

  // For how long the task has been running that began first of those that its threads run now; zero
  // where none runs.
  absl::Duration longest() const;

 private:
  void Run(std::atomic<int64_t>& began_nanos);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<absl::AnyInvocable<void()>> tasks_;
  int idle_ = 0;  // threads that wait; a task wakes one only if there is one
  bool stopping_ = false;
  // When each thread's task began, by the steady clock; 0: it has none.
  std::vector<std::atomic<int64_t>> began_nanos_;
  std::vector<std::thread> threads_;
};

// Calls work(0) … work(count − 1), on so many threads of their own at most; returns when all have
// returned.
void ForEach(size_t count, int threads, const std::function<void(size_t)>& work);

}  // namespace rapport
