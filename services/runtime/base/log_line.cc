#include "services/runtime/base/log_line.h"

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace rapport {
namespace {

// 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01; W3C, version 00.
constexpr absl::string_view kTraceparentForm =
    "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
constexpr size_t kTraceIdBegin = 3;
constexpr size_t kTraceIdCharacters = 32;
constexpr absl::string_view kHex = "0123456789abcdef";

absl::string_view NameOf(Level level) {
  switch (level) {
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
  }
  return "";
}

bool IsBare(absl::string_view value) {
  for (const unsigned char c : value) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) return false;
  }
  return true;
}

void AppendQuoted(absl::string_view value, std::string* out) {
  out->push_back('"');
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      absl::StrAppend(out, "\\", absl::string_view(&c, 1));
    } else if (c == '\n') {
      out->append("\\n");
    } else if (byte < ' ' || byte == 0x7f) {
      absl::StrAppend(out, "\\x", absl::Hex(byte, absl::kZeroPad2));
    } else {
      out->push_back(c);
    }
  }
  out->push_back('"');
}

}  // namespace

std::string LogLine(absl::Time now, Level level, absl::string_view event,
                    absl::Span<const LogField> fields) {
  std::string line =
      absl::StrCat("time=", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", now, absl::UTCTimeZone()),
                   " level=", NameOf(level), " event=", event);
  for (const LogField& field : fields) {
    if (field.value.empty()) continue;
    absl::StrAppend(&line, " ", field.key, "=");
    if (IsBare(field.value)) {
      absl::StrAppend(&line, field.value);
    } else {
      AppendQuoted(field.value, &line);
    }
  }
  line.push_back('\n');
  return line;
}

void Log(Level level, absl::string_view event, absl::Span<const LogField> fields) {
  const std::string line = LogLine(absl::Now(), level, event, fields);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

bool IsTraceparent(absl::string_view text) {
  if (text.size() != kTraceparentForm.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool fits =
        kTraceparentForm[i] == '-' ? text[i] == '-' : kHex.find(text[i]) != absl::string_view::npos;
    if (!fits) return false;
  }
  return true;
}

absl::string_view TraceIdOf(absl::string_view traceparent) {
  if (!IsTraceparent(traceparent)) return "";
  return traceparent.substr(kTraceIdBegin, kTraceIdCharacters);
}

}  // namespace rapport
