// The rows of an import between the file and the server: read once, numbered, kept until they are
// answered, so that after a broken connection they are sent again although stdin cannot be reread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <istream>
#include <mutex>
#include <string>

namespace rapport {

// Rows that are sent and not answered. The server works on a few hundred at a time; more are on
// their way in buffers.
inline constexpr size_t kMaxUnansweredRows = 20'000;
inline constexpr size_t kMaxUnansweredBytes = size_t{64} << 20;

// Threads: NextChunk from one thread, the rest from another, between calls of Restart.
class ImportRows {
 public:
  // `first_row` is the number of the first line of `input`.
  ImportRows(std::istream& input, int64_t first_row) : input_(input), next_row_(first_row) {}

  // Lines to be sent, whole and with their ends, about `bytes` of them. Waits while too much is
  // unanswered. Empty at the end of the input, and after Interrupt.
  std::string NextChunk(size_t bytes);

  // The row was answered, and so were all before it.
  void Answered(int64_t row);
  // Ends NextChunk's waiting: nobody will answer.
  void Interrupt();
  // Sends everything unanswered again. Answers the number of the first line that NextChunk gives.
  int64_t Restart();

  // After the last line, the number that follows.
  int64_t next_row() const { return next_row_; }
  bool failed() const { return input_.bad(); }
  int64_t answered_bytes();

 private:
  struct Row {
    int64_t number;
    std::string line;
  };
  bool IsFull() const;
  bool ReadRow();

  std::istream& input_;
  int64_t next_row_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Row> unanswered_;
  size_t sent_ = 0;  // of unanswered_, from the front
  size_t unanswered_bytes_ = 0;
  int64_t answered_bytes_ = 0;
  bool interrupted_ = false;
};

}  // namespace rapport
