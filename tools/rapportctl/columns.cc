#include "tools/rapportctl/columns.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>

namespace rapport {
namespace {

constexpr char kEllipsis[] = "…";

int WidthOf(UChar32 c) {
  if (c < 0) return 1;
  const auto type = u_charType(c);
  if (type == U_NON_SPACING_MARK || type == U_ENCLOSING_MARK || type == U_FORMAT_CHAR) return 0;
  const int width = u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_FULLWIDTH || width == U_EA_WIDE ? 2 : 1;
}

// Bytes that stay within `columns`.
size_t BytesWithin(absl::string_view text, int columns) {
  const auto size = static_cast<int32_t>(text.size());
  int32_t at = 0;
  int used = 0;
  while (at < size) {
    int32_t next = at;
    UChar32 c = 0;
    U8_NEXT(text.data(), next, size, c);
    used += WidthOf(c);
    if (used > columns) break;
    at = next;
  }
  return static_cast<size_t>(at);
}

std::string WithoutControls(absl::string_view text) {
  std::string clean;
  const auto size = static_cast<int32_t>(text.size());
  for (int32_t at = 0; at < size;) {
    const int32_t begin = at;
    UChar32 c = 0;
    U8_NEXT(text.data(), at, size, c);
    if (c < 0 || u_charType(c) == U_CONTROL_CHAR || u_charType(c) == U_FORMAT_CHAR) {
      clean += ' ';
    } else {
      clean.append(text.data() + begin, static_cast<size_t>(at - begin));
    }
  }
  return clean;
}

}  // namespace

int ColumnsOf(absl::string_view utf8) {
  const auto size = static_cast<int32_t>(utf8.size());
  int columns = 0;
  for (int32_t at = 0; at < size;) {
    UChar32 c = 0;
    U8_NEXT(utf8.data(), at, size, c);
    columns += WidthOf(c);
  }
  return columns;
}

std::string Cut(absl::string_view utf8, int columns) {
  std::string text = WithoutControls(utf8);
  if (ColumnsOf(text) <= columns) return text;
  text.resize(BytesWithin(text, columns - 1));
  return text + kEllipsis;
}

std::string Fit(absl::string_view utf8, int columns) {
  std::string text = Cut(utf8, columns);
  text.append(static_cast<size_t>(std::max(0, columns - ColumnsOf(text))), ' ');
  return text;
}

}  // namespace rapport
