#include "services/runtime/base/round.h"

#include <utility>

namespace rapport {
namespace {

thread_local Round* present = nullptr;

}  // namespace

Round::Round() : outermost_(present == nullptr) {
  if (outermost_) present = this;
}

Round::~Round() {
  if (!outermost_) return;
  // What runs now may put off more.
  for (size_t i = 0; i < tasks_.size(); ++i) {
    auto task = std::move(tasks_[i]);
    task();
  }
  present = nullptr;
}

void Round::PutOff(absl::AnyInvocable<void()> task) {
  if (present == nullptr) return task();
  present->tasks_.push_back(std::move(task));
}

}  // namespace rapport
