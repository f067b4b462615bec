// What Rapport takes for text: UTF-8 in Unicode normal form C, without control characters.
//
// Threads: pure functions. ASCII is handled without ICU.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rapport {

// How many Unicode characters `text` has; brings it to NFC in place where it is not.
// INVALID_ARGUMENT without a field for bytes that are not UTF-8 and for control characters other
// than tab and newline.
absl::StatusOr<int> NormalizeText(std::string& text);

// As above, for a text that is only looked at: answers whether it would be changed.
struct TextSummary {
  int characters = 0;
  bool normal = true;
};
absl::StatusOr<TextSummary> SummarizeText(absl::string_view text);

// For comparing without regard to case: full Unicode case folding.
std::string FoldCase(absl::string_view text);

}  // namespace rapport
