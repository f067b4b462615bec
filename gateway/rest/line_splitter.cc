#include "gateway/rest/line_splitter.h"

#include <utility>

namespace rapport::rest {

LineSplitter::Outcome LineSplitter::Next(absl::string_view* line) {
  const size_t end = piece_.find('\n');
  const absl::string_view part = piece_.substr(0, end);
  if (too_long_ || begun_.size() + part.size() > longest_line_) {
    too_long_ = true;
    begun_.clear();
  } else if (end == absl::string_view::npos || !begun_.empty()) {
    begun_.append(part.data(), part.size());
  }
  if (end == absl::string_view::npos) {
    piece_ = {};
    const bool left = too_long_ || !begun_.empty();
    return ended_ && left ? Finished(line) : kMore;
  }
  piece_.remove_prefix(end + 1);
  if (!too_long_ && begun_.empty()) {
    *line = part;  // whole within the piece: nothing to copy
    ++number_;
    return kLine;
  }
  return Finished(line);
}

LineSplitter::Outcome LineSplitter::Finished(absl::string_view* line) {
  ++number_;
  line_ = std::exchange(begun_, {});
  *line = line_;
  return std::exchange(too_long_, false) ? kTooLong : kLine;
}

}  // namespace rapport::rest
