// Cuts a stream of pieces into lines, holding no more than one line.
//
//   splitter.Feed(piece);
//   while (splitter.Next(&line) != LineSplitter::kMore) …
// Threads: one.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace rapport::rest {

class LineSplitter {
 public:
  enum Outcome { kLine, kTooLong, kMore };

  explicit LineSplitter(size_t longest_line) : longest_line_(longest_line) {}

  // Takes the next piece, which must outlive the calls of Next until these give kMore.
  void Feed(absl::string_view piece) { piece_ = piece; }
  // Says that no piece follows: what is left is a line, unless it is empty.
  void End() { ended_ = true; }

  // The next line without its end, valid until the next call; kTooLong, once, for a line over the
  // limit, of which nothing is kept; kMore when the piece is used up.
  Outcome Next(absl::string_view* line);

  // The number of the line that Next gave last, from 1.
  int64_t number() const { return number_; }

 private:
  Outcome Finished(absl::string_view* line);

  const size_t longest_line_;
  absl::string_view piece_;
  std::string begun_;  // what came of the line in earlier pieces
  std::string line_;
  bool too_long_ = false;
  bool ended_ = false;
  int64_t number_ = 0;
};

}  // namespace rapport::rest
