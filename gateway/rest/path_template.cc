#include "gateway/rest/path_template.h"

#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gateway/rest/json_text.h"

namespace rapport::rest {
namespace {

absl::Status Bad(absl::string_view text, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("path template ", text, ": ", what));
}

int HexValue(char c) {
  if (absl::ascii_isdigit(c)) return c - '0';
  if (absl::ascii_isxdigit(c)) return absl::ascii_tolower(c) - 'a' + 10;
  return -1;
}

// Appends `text` without its percent encoding, except of a slash where `keep_slash`.
bool AppendDecoded(absl::string_view text, bool keep_slash, bool plus_is_space, std::string* out) {
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && plus_is_space) c = ' ';
    if (c == '%') {
      if (i + 2 >= text.size()) return false;
      const int high = HexValue(text[i + 1]), low = HexValue(text[i + 2]);
      if (high < 0 || low < 0) return false;
      i += 2;
      c = static_cast<char>(high << 4 | low);
      if (c == '/' && keep_slash) {
        out->append("%2F");
        continue;
      }
    }
    out->push_back(c);
  }
  return true;
}

bool IsCleanText(absl::string_view text, bool control_allowed) {
  if (InvalidUtf8(text) != absl::string_view::npos) return false;
  if (control_allowed) return true;
  for (const char c : text) {
    if (absl::ascii_iscntrl(c)) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<PathTemplate> PathTemplate::Parse(absl::string_view text) {
  PathTemplate parsed;
  if (text.empty() || text.front() != '/') return Bad(text, "does not begin with /");
  absl::string_view rest = text.substr(1);
  // A colon after the last brace and slash begins the verb.
  if (const size_t colon = rest.rfind(':');
      colon != absl::string_view::npos && rest.find_first_of("/}", colon) == rest.npos) {
    parsed.verb = std::string(rest.substr(colon + 1));
    if (parsed.verb.empty()) return Bad(text, "has an empty verb");
    rest = rest.substr(0, colon);
  }
  std::optional<Variable> open;
  for (absl::string_view part : absl::StrSplit(rest, '/')) {
    if (!part.empty() && part.front() == '{') {
      if (open) return Bad(text, "has a variable inside a variable");
      part.remove_prefix(1);
      const size_t equals = part.find('=');
      open = Variable{.field = std::string(part.substr(0, part.find_first_of("=}"))),
                      .begin = static_cast<int>(parsed.segments.size())};
      part = equals == part.npos ? absl::string_view("*}") : part.substr(equals + 1);
    }
    const bool closes = !part.empty() && part.back() == '}';
    if (closes) part.remove_suffix(1);
    if (part.empty() || (open && open->field.empty())) return Bad(text, "has an empty part");
    if (part.find_first_of("{}") != part.npos) return Bad(text, "has a brace out of place");
    if (!parsed.segments.empty() && parsed.segments.back() == "**")
      return Bad(text, "goes on after **");
    parsed.segments.emplace_back(part);
    if (!closes) continue;
    if (!open) return Bad(text, "closes a variable that it did not open");
    open->end = part == "**" ? -1 : static_cast<int>(parsed.segments.size());
    parsed.variables.push_back(*std::exchange(open, std::nullopt));
  }
  if (open) return Bad(text, "leaves a variable open");
  return parsed;
}

std::vector<absl::string_view> SplitPath(absl::string_view path) {
  if (path.empty() || path.front() != '/') return {};
  std::vector<absl::string_view> segments = absl::StrSplit(path.substr(1), '/');
  for (const absl::string_view segment : segments) {
    if (segment.empty()) return {};
  }
  return segments;
}

bool DecodeSegments(const std::vector<absl::string_view>& segments, size_t begin, size_t end,
                    std::string* out) {
  out->clear();
  for (size_t i = begin; i < end; ++i) {
    if (i > begin) out->push_back('/');
    if (!AppendDecoded(segments[i], true, false, out)) return false;
  }
  return IsCleanText(*out, false);
}

bool DecodeQuery(absl::string_view text, std::string* out) {
  out->clear();
  return AppendDecoded(text, false, true, out) && IsCleanText(*out, true);
}

}  // namespace rapport::rest
