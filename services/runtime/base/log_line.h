// What operators read: one line of logfmt on stderr per thing that happened.
//
//   Log(Level::kInfo, "serving", {{"services", "accounts,sales"}});
//   time=2026-11-23T02:10:20.123Z level=info event=serving services=accounts,sales
//
// No personal data: names of resources, request ids, trace ids, methods and codes, and the text of
// errors that are ours. What a caller wrote into a field is never logged, nor is an error that may
// quote it.
// Threads: any; a line is written at once.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace rapport {

enum class Level { kInfo, kWarning, kError };

struct LogField {
  absl::string_view key;    // snake_case
  absl::string_view value;  // left out where empty; quoted and escaped where it has to be
};

void Log(Level level, absl::string_view event, absl::Span<const LogField> fields = {});
// The line, with its end.
std::string LogLine(absl::Time now, Level level, absl::string_view event,
                    absl::Span<const LogField> fields);

// Whether a text has the form of a W3C traceparent; others are ignored, as W3C asks.
bool IsTraceparent(absl::string_view text);
// "4bf92f3577b34da6a3ce929d0e0e4736" of a traceparent; empty for what is none.
absl::string_view TraceIdOf(absl::string_view traceparent);

}  // namespace rapport
