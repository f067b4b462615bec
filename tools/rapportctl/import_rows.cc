#include "tools/rapportctl/import_rows.h"

namespace rapport {

bool ImportRows::IsFull() const {
  return unanswered_.size() >= kMaxUnansweredRows || unanswered_bytes_ >= kMaxUnansweredBytes;
}

// Reads without the lock: a pipe may make us wait, and answers come in meanwhile.
bool ImportRows::ReadRow() {
  Row row{.number = next_row_};
  if (!std::getline(input_, row.line)) return false;
  ++next_row_;
  row.line += '\n';
  std::lock_guard lock(mutex_);
  unanswered_bytes_ += row.line.size();
  unanswered_.push_back(std::move(row));
  return true;
}

std::string ImportRows::NextChunk(size_t bytes) {
  std::string chunk;
  while (chunk.size() < bytes) {
    {
      std::unique_lock lock(mutex_);
      if (sent_ < unanswered_.size()) {
        chunk += unanswered_[sent_++].line;
        continue;
      }
      // What is in hand goes out before anything is waited for.
      if (IsFull() && !chunk.empty()) return chunk;
      changed_.wait(lock, [this] { return interrupted_ || !IsFull(); });
      if (interrupted_) return "";
    }
    if (!ReadRow()) break;
  }
  return chunk;
}

void ImportRows::Answered(int64_t row) {
  {
    std::lock_guard lock(mutex_);
    while (sent_ > 0 && unanswered_.front().number <= row) {
      unanswered_bytes_ -= unanswered_.front().line.size();
      answered_bytes_ += static_cast<int64_t>(unanswered_.front().line.size());
      unanswered_.pop_front();
      --sent_;
    }
  }
  changed_.notify_one();
}

void ImportRows::Interrupt() {
  {
    std::lock_guard lock(mutex_);
    interrupted_ = true;
  }
  changed_.notify_one();
}

int64_t ImportRows::Restart() {
  std::lock_guard lock(mutex_);
  interrupted_ = false;
  sent_ = 0;
  return unanswered_.empty() ? next_row_ : unanswered_.front().number;
}

int64_t ImportRows::answered_bytes() {
  std::lock_guard lock(mutex_);
  return answered_bytes_;
}

}  // namespace rapport
