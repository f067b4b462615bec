#include "gateway/rest/json_text.h"

#include <charconv>
#include <cstring>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "google/protobuf/stubs/common.h"

namespace rapport::rest {
namespace {

constexpr int64_t kMinTimestampSeconds = -62'135'596'800;  // 0001-01-01T00:00:00Z
constexpr int64_t kMaxTimestampSeconds = 253'402'300'799;  // 9999-12-31T23:59:59Z
constexpr int64_t kMaxDurationSeconds = 315'576'000'000;   // 10,000 years, as duration.proto says
constexpr int64_t kSecondsPerDay = 86'400;

// Whether one of the eight bytes is a quote, a backslash or below 0x20.
bool NeedsEscape(uint64_t bytes) {
  constexpr uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  const uint64_t quote = bytes ^ (kOnes * '"'), backslash = bytes ^ (kOnes * '\\');
  const uint64_t control = (bytes - kOnes * 0x20) & ~bytes;
  return (((quote - kOnes) & ~quote) | ((backslash - kOnes) & ~backslash) | control) & kHigh;
}

bool NeedsEscape(char c) {
  return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
}

size_t PlainPrefix(absl::string_view text) {
  size_t i = 0;
  for (uint64_t bytes; i + sizeof bytes <= text.size(); i += sizeof bytes) {
    std::memcpy(&bytes, text.data() + i, sizeof bytes);
    if (NeedsEscape(bytes)) break;
  }
  while (i < text.size() && !NeedsEscape(text[i])) ++i;
  return i;
}

void AppendEscaped(char c, std::string* out) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out->append("\\\"");
      return;
    case '\\':
      out->append("\\\\");
      return;
    case '\n':
      out->append("\\n");
      return;
    case '\r':
      out->append("\\r");
      return;
    case '\t':
      out->append("\\t");
      return;
    default:
      out->append("\\u00");
      out->push_back(kHex[(c >> 4) & 0xf]);
      out->push_back(kHex[c & 0xf]);
  }
}

// Writes `value` with `digits` digits.
char* PutDigits(int64_t value, int digits, char* out) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) out[i] = static_cast<char>('0' + value % 10);
  return out + digits;
}

char* PutFraction(int32_t nanos, char* out) {
  if (nanos == 0) return out;
  *out++ = '.';
  if (nanos % 1'000'000 == 0) return PutDigits(nanos / 1'000'000, 3, out);
  if (nanos % 1'000 == 0) return PutDigits(nanos / 1'000, 6, out);
  return PutDigits(nanos, 9, out);
}

struct Date {
  int year, month, day;
};

// Days since 1970-01-01 as a date of the Gregorian calendar (Hinnant, "chrono-compatible low-level
// date algorithms"); absl::FormatTime would take a quarter of a view's whole time.
Date DateOf(int64_t days) {
  days += 719'468;
  const int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const int day_of_era = static_cast<int>(days - era * 146'097);
  const int year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int march_month = (5 * day_of_year + 2) / 153;
  const int month = march_month < 10 ? march_month + 3 : march_month - 9;
  return {static_cast<int>(year_of_era + era * 400 + (month <= 2 ? 1 : 0)), month,
          day_of_year - (153 * march_month + 2) / 5 + 1};
}

// Takes exactly `digits` digits from the front.
std::optional<int> TakeDigits(absl::string_view& text, size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (!absl::ascii_isdigit(text[i])) return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool Take(absl::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// Takes "" or a point and one to nine digits.
std::optional<int32_t> TakeFraction(absl::string_view& text) {
  if (!Take(text, '.')) return 0;
  int32_t nanos = 0;
  int digits = 0;
  for (; !text.empty() && absl::ascii_isdigit(text.front()); text.remove_prefix(1), ++digits) {
    if (digits == 9) return std::nullopt;
    nanos = nanos * 10 + (text.front() - '0');
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 9; ++digits) nanos *= 10;
  return nanos;
}

// Takes "Z" or "+01:00", in seconds.
std::optional<int> TakeOffset(absl::string_view& text) {
  if (Take(text, 'Z') || Take(text, 'z')) return 0;
  const bool minus = Take(text, '-');
  if (!minus && !Take(text, '+')) return std::nullopt;
  const auto hours = TakeDigits(text, 2);
  if (!hours || *hours > 23 || !Take(text, ':')) return std::nullopt;
  const auto minutes = TakeDigits(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  return (minus ? -60 : 60) * (*hours * 60 + *minutes);
}

std::optional<absl::CivilSecond> TakeCivil(absl::string_view& text) {
  const auto year = TakeDigits(text, 4);
  if (!year || !Take(text, '-')) return std::nullopt;
  const auto month = TakeDigits(text, 2);
  if (!month || !Take(text, '-')) return std::nullopt;
  const auto day = TakeDigits(text, 2);
  if (!day || !(Take(text, 'T') || Take(text, 't'))) return std::nullopt;
  const auto hour = TakeDigits(text, 2);
  if (!hour || !Take(text, ':')) return std::nullopt;
  const auto minute = TakeDigits(text, 2);
  if (!minute || !Take(text, ':')) return std::nullopt;
  const auto second = TakeDigits(text, 2);
  if (!second) return std::nullopt;
  const absl::CivilSecond civil(*year, *month, *day, *hour, *minute, *second);
  // CivilSecond makes 1 March of 30 February; what it had to change was not a date.
  const bool exact = civil.year() == *year && civil.month() == *month && civil.day() == *day &&
                     civil.hour() == *hour && civil.minute() == *minute &&
                     civil.second() == *second;
  return exact ? std::optional(civil) : std::nullopt;
}

}  // namespace

void AppendJsonString(absl::string_view text, std::string* out) {
  out->push_back('"');
  for (;;) {
    const size_t plain = PlainPrefix(text);
    out->append(text.data(), plain);
    if (plain == text.size()) break;
    AppendEscaped(text[plain], out);
    text.remove_prefix(plain + 1);
  }
  out->push_back('"');
}

void AppendTimestamp(int64_t seconds, int32_t nanos, std::string* out) {
  int64_t days = seconds / kSecondsPerDay;
  int64_t second = seconds % kSecondsPerDay;
  if (second < 0) {
    second += kSecondsPerDay;
    --days;
  }
  const Date date = DateOf(days);
  char buffer[40];
  char* end = buffer;
  *end++ = '"';
  end = PutDigits(date.year, 4, end);
  *end++ = '-';
  end = PutDigits(date.month, 2, end);
  *end++ = '-';
  end = PutDigits(date.day, 2, end);
  *end++ = 'T';
  end = PutDigits(second / 3'600, 2, end);
  *end++ = ':';
  end = PutDigits(second / 60 % 60, 2, end);
  *end++ = ':';
  end = PutDigits(second % 60, 2, end);
  end = PutFraction(nanos, end);
  *end++ = 'Z';
  *end++ = '"';
  out->append(buffer, end - buffer);
}

void AppendDuration(int64_t seconds, int32_t nanos, std::string* out) {
  char buffer[16];
  out->append(seconds < 0 || nanos < 0 ? "\"-" : "\"");
  absl::StrAppend(
      out, seconds < 0 ? 0 - static_cast<uint64_t>(seconds) : static_cast<uint64_t>(seconds));
  out->append(buffer, PutFraction(nanos < 0 ? -nanos : nanos, buffer) - buffer);
  out->append("s\"");
}

bool ParseTimestamp(absl::string_view text, int64_t* seconds, int32_t* nanos) {
  const auto civil = TakeCivil(text);
  if (!civil) return false;
  const auto fraction = TakeFraction(text);
  if (!fraction) return false;
  const auto offset = TakeOffset(text);
  if (!offset || !text.empty()) return false;
  *seconds = (*civil - absl::CivilSecond(1970, 1, 1)) - *offset;
  *nanos = *fraction;
  return *seconds >= kMinTimestampSeconds && *seconds <= kMaxTimestampSeconds;
}

bool ParseDuration(absl::string_view text, int64_t* seconds, int32_t* nanos) {
  const bool minus = Take(text, '-');
  if (text.empty() || !absl::ascii_isdigit(text.front())) return false;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, *seconds);
  if (error != std::errc() || *seconds > kMaxDurationSeconds) return false;
  text.remove_prefix(rest - text.data());
  const auto fraction = TakeFraction(text);
  if (!fraction || text != "s") return false;
  *nanos = minus ? -*fraction : *fraction;
  if (minus) *seconds = -*seconds;
  return true;
}

std::string CamelCase(absl::string_view path) {
  std::string camel;
  camel.reserve(path.size());
  bool in_brackets = false;
  for (size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (c == '[' || c == '"' || c == '`') in_brackets = c == '[' || !in_brackets;
    if (c == ']') in_brackets = false;
    const bool joins =
        c == '_' && !in_brackets && i + 1 < path.size() && absl::ascii_islower(path[i + 1]);
    camel.push_back(joins ? absl::ascii_toupper(path[++i]) : c);
  }
  return camel;
}

std::string SnakeCase(absl::string_view path) {
  std::string snake;
  snake.reserve(path.size() + 4);
  bool in_brackets = false;
  for (const char c : path) {
    if (c == '[' || c == '"' || c == '`') in_brackets = c == '[' || !in_brackets;
    if (c == ']') in_brackets = false;
    if (absl::ascii_isupper(c) && !in_brackets) {
      snake.push_back('_');
      snake.push_back(absl::ascii_tolower(c));
    } else {
      snake.push_back(c);
    }
  }
  return snake;
}

size_t InvalidUtf8(absl::string_view text) {
  using google::protobuf::internal::IsStructurallyValidUTF8;
  if (IsStructurallyValidUTF8(text.data(), static_cast<int>(text.size()))) {
    return absl::string_view::npos;
  }
  // Character by character, now that it is known to be wrong somewhere.
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin + 1;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) ++end;
    if (!IsStructurallyValidUTF8(text.data() + begin, static_cast<int>(end - begin))) return begin;
    begin = end;
  }
  return 0;
}

absl::string_view Utf8Prefix(absl::string_view text, size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

}  // namespace rapport::rest
