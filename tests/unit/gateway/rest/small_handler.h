// A service for tests of what stands before services: answers by a function, at once or later.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "services/runtime/rpc/call.h"

namespace rapport::rest {

class SmallHandler : public Handler {
 public:
  using Answer = std::function<Reply(const Call&)>;

  explicit SmallHandler(Answer answer) : answer_(std::move(answer)) {}

  void Handle(CallPtr call) override {
    std::unique_lock lock(mutex_);
    ++seen_;
    if (holding_) {
      held_.push_back(std::move(call));
      changed_.notify_all();
      return;
    }
    lock.unlock();
    Reply reply = answer_(*call);
    Finish(std::move(call), std::move(reply));
  }

  // From now on calls wait for Release.
  void Hold() {
    std::lock_guard lock(mutex_);
    holding_ = true;
  }
  // Answers all that is held; later calls are answered at once again.
  void Release() {
    std::vector<CallPtr> calls;
    {
      std::lock_guard lock(mutex_);
      holding_ = false;
      calls.swap(held_);
    }
    for (CallPtr& call : calls) {
      Reply reply = answer_(*call);
      Finish(std::move(call), std::move(reply));
    }
  }
  void WaitForHeld(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_.size() >= count; });
  }
  size_t held() {
    std::lock_guard lock(mutex_);
    return held_.size();
  }
  int seen() {
    std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  const Answer answer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<CallPtr> held_;
  bool holding_ = false;
  int seen_ = 0;
};

}  // namespace rapport::rest
