#include "gateway/rest/json_text.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/stubs/common.h"
#include "google/protobuf/timestamp.pb.h"
#include "services/runtime/base/status.h"

namespace rapport::rest {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr int64_t kMinTimestampSeconds = -62'135'596'800;  // 0001-01-01T00:00:00Z
constexpr int64_t kMaxTimestampSeconds = 253'402'300'799;  // 9999-12-31T23:59:59Z
constexpr int64_t kMaxDurationSeconds = 315'576'000'000;   // 10,000 years, as duration.proto says
constexpr int64_t kSecondsPerDay = 86'400;
// Whole numbers up to 2^53 are exact in a double: further than that 1e17 is not surely a number.
constexpr double kMaxExactDouble = 9'007'199'254'740'992.0;
// How much of a wrong value an error repeats.
constexpr size_t kShownBytes = 40;

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

std::string Shown(absl::string_view text) {
  const bool cut = text.size() > kShownBytes;
  return absl::StrCat("\"", absl::Utf8SafeCEscape(Utf8Prefix(text, kShownBytes)),
                      cut ? "…\"" : "\"");
}

absl::Status NotA(absl::string_view expected, absl::string_view text, absl::string_view path) {
  return InvalidField(path, absl::StrCat("expected ", expected, ", not ", Shown(text)));
}

bool LooksLikeNumber(absl::string_view text) {
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  return !text.empty() && absl::ascii_isdigit(text.front());
}

std::optional<double> ParseDouble(absl::string_view text) {
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  double value = 0;
  const char* end = text.data() + text.size();
  if (!LooksLikeNumber(text)) return std::nullopt;
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end) return std::nullopt;
  return value;
}

// Also takes 1e3 and 1.0, which are whole numbers in JSON.
template <typename Integer>
std::optional<Integer> ParseInteger(absl::string_view text) {
  Integer value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && rest == end) return value;
  const auto real = ParseDouble(text);
  if (!real || !(std::abs(*real) <= kMaxExactDouble) || std::floor(*real) != *real) {
    return std::nullopt;
  }
  if (*real < static_cast<double>(std::numeric_limits<Integer>::min()) ||
      *real > static_cast<double>(std::numeric_limits<Integer>::max())) {
    return std::nullopt;
  }
  return static_cast<Integer>(*real);
}

template <typename Integer>
std::string WholeNumber() {
  return absl::StrCat("a whole number from ", std::numeric_limits<Integer>::min(), " to ",
                      std::numeric_limits<Integer>::max());
}

absl::Status UnknownEnumValue(const FieldDescriptor* field, absl::string_view text,
                              absl::string_view path) {
  std::string known;
  const auto* type = field->enum_type();
  for (int i = 0; i < type->value_count(); ++i) {
    absl::StrAppend(&known, i == 0 ? "" : ", ", type->value(i)->name());
  }
  return NotA(absl::StrCat("one of ", known), text, path);
}

absl::Status SetEnum(const FieldDescriptor* field, absl::string_view text, absl::string_view path,
                     Message* message) {
  const auto* value = field->enum_type()->FindValueByName(std::string(text));
  if (value == nullptr) {
    const auto number = ParseInteger<int32_t>(text);
    if (number) value = field->enum_type()->FindValueByNumber(*number);
  }
  if (value == nullptr) return UnknownEnumValue(field, text, path);
  const auto* reflection = message->GetReflection();
  field->is_repeated() ? reflection->AddEnum(message, field, value)
                       : reflection->SetEnum(message, field, value);
  return absl::OkStatus();
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
  bool in_brackets = false, upper = false;
  for (const char c : path) {
    if (c == '[' || c == '"' || c == '`') in_brackets = c == '[' || !in_brackets;
    if (c == ']') in_brackets = false;
    if (c == '_' && !in_brackets) {
      upper = true;
      continue;
    }
    camel.push_back(upper ? absl::ascii_toupper(c) : c);
    upper = false;
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

Message* NewMessageOfType(absl::string_view type_url, google::protobuf::Arena* arena) {
  const auto slash = type_url.rfind('/');
  if (slash != absl::string_view::npos) type_url.remove_prefix(slash + 1);
  const auto* descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(
          std::string(type_url));
  if (descriptor == nullptr) return nullptr;
  return google::protobuf::MessageFactory::generated_factory()
      ->GetPrototype(descriptor)
      ->New(arena);
}

absl::Status SetWellKnown(absl::string_view text, absl::string_view path, Message* message) {
  using google::protobuf::Descriptor;
  int64_t seconds = 0;
  int32_t nanos = 0;
  switch (message->GetDescriptor()->well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_TIMESTAMP: {
      if (!ParseTimestamp(text, &seconds, &nanos)) {
        return NotA("a time such as 2026-11-22T18:57:28Z", text, path);
      }
      auto* time = static_cast<google::protobuf::Timestamp*>(message);
      time->set_seconds(seconds);
      time->set_nanos(nanos);
      return absl::OkStatus();
    }
    case Descriptor::WELLKNOWNTYPE_DURATION: {
      if (!ParseDuration(text, &seconds, &nanos)) return NotA("seconds such as 1.5s", text, path);
      auto* duration = static_cast<google::protobuf::Duration*>(message);
      duration->set_seconds(seconds);
      duration->set_nanos(nanos);
      return absl::OkStatus();
    }
    case Descriptor::WELLKNOWNTYPE_FIELDMASK: {
      auto* mask = static_cast<google::protobuf::FieldMask*>(message);
      for (absl::string_view part : absl::StrSplit(text, ',', absl::SkipWhitespace())) {
        mask->add_paths(SnakeCase(absl::StripAsciiWhitespace(part)));
      }
      return absl::OkStatus();
    }
    default:
      return NotA(absl::StrCat("an object (", message->GetDescriptor()->name(), ")"), text, path);
  }
}

absl::Status SetFromText(const FieldDescriptor* field, absl::string_view text,
                         absl::string_view path, Message* message) {
  const auto* reflection = message->GetReflection();
  const auto set = [&](auto setter, auto adder, const auto& value, absl::string_view expected) {
    if (!value) return NotA(expected, text, path);
    field->is_repeated() ? (reflection->*adder)(message, field, *value)
                         : (reflection->*setter)(message, field, *value);
    return absl::OkStatus();
  };
  using Reflection = google::protobuf::Reflection;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return set(&Reflection::SetInt32, &Reflection::AddInt32, ParseInteger<int32_t>(text),
                 WholeNumber<int32_t>());
    case FieldDescriptor::CPPTYPE_UINT32:
      return set(&Reflection::SetUInt32, &Reflection::AddUInt32, ParseInteger<uint32_t>(text),
                 WholeNumber<uint32_t>());
    case FieldDescriptor::CPPTYPE_INT64:
      return set(&Reflection::SetInt64, &Reflection::AddInt64, ParseInteger<int64_t>(text),
                 WholeNumber<int64_t>());
    case FieldDescriptor::CPPTYPE_UINT64:
      return set(&Reflection::SetUInt64, &Reflection::AddUInt64, ParseInteger<uint64_t>(text),
                 WholeNumber<uint64_t>());
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return set(&Reflection::SetDouble, &Reflection::AddDouble, ParseDouble(text),
                 "a number within the range of a double");
    case FieldDescriptor::CPPTYPE_FLOAT: {
      auto value = ParseDouble(text);
      if (value && std::isfinite(*value) && std::abs(*value) > std::numeric_limits<float>::max()) {
        value.reset();
      }
      return set(&Reflection::SetFloat, &Reflection::AddFloat, value,
                 "a number within the range of a float");
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      const auto value = text == "true"    ? std::optional(true)
                         : text == "false" ? std::optional(false)
                                           : std::nullopt;
      return set(&Reflection::SetBool, &Reflection::AddBool, value, "true or false");
    }
    case FieldDescriptor::CPPTYPE_ENUM:
      return SetEnum(field, text, path, message);
    case FieldDescriptor::CPPTYPE_STRING: {
      std::optional<std::string> value(std::in_place, text);
      if (field->type() == FieldDescriptor::TYPE_BYTES && !absl::Base64Unescape(text, &*value) &&
          !absl::WebSafeBase64Unescape(text, &*value)) {
        value.reset();
      }
      return set(&Reflection::SetString, &Reflection::AddString, value, "base64");
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return SetWellKnown(text, path,
                          field->is_repeated() ? reflection->AddMessage(message, field)
                                               : reflection->MutableMessage(message, field));
  }
  return absl::InternalError("unknown field type");
}

}  // namespace rapport::rest
