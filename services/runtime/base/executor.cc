#include "services/runtime/base/executor.h"

#include <algorithm>
#include <utility>

#include "services/runtime/base/clock.h"

namespace rapport {

Executor::Executor(int threads) : began_nanos_(static_cast<size_t>(threads)) {
  for (auto& began : began_nanos_) threads_.emplace_back([this, &began] { Run(began); });
}

Executor::~Executor() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void Executor::Submit(absl::AnyInvocable<void()> task) {
  bool wake;
  {
    std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    wake = idle_ > 0;
  }
  if (wake) wake_.notify_one();
}

bool Executor::RunOne() {
  absl::AnyInvocable<void()> task;
  {
    std::lock_guard lock(mutex_);
    if (tasks_.empty()) return false;
    task = std::move(tasks_.front());
    tasks_.pop_front();
  }
  task();
  return true;
}

absl::Duration Executor::longest() const {
  const int64_t now = absl::ToUnixNanos(SteadyNow());
  int64_t first = now;
  for (const auto& began : began_nanos_) {
    if (const int64_t nanos = began; nanos != 0) first = std::min(first, nanos);
  }
  return absl::Nanoseconds(now - first);
}

void Executor::Run(std::atomic<int64_t>& began_nanos) {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    wake_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    --idle_;
    if (tasks_.empty()) return;
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    began_nanos = absl::ToUnixNanos(SteadyNow());
    task();
    task = nullptr;
    began_nanos = 0;
    lock.lock();
  }
}

void ForEach(size_t count, int threads, const std::function<void(size_t)>& work) {
  Executor executor(static_cast<int>(std::min<size_t>(threads, count)));
  for (size_t i = 0; i < count; ++i) executor.Submit([&work, i] { work(i); });
}

}  // namespace rapport
