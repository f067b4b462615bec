// Text in columns on a terminal, where Chinese characters are two columns wide.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace rapport {

// How many columns a text takes.
int ColumnsOf(absl::string_view utf8);

// The text on one line, cut with an ellipsis and filled with blanks to be exactly `columns` wide.
// Control characters, which could steer the terminal, become blanks.
std::string Fit(absl::string_view utf8, int columns);

// As Fit, without the blanks.
std::string Cut(absl::string_view utf8, int columns);

}  // namespace rapport
