#include "services/runtime/base/log_line.h"

#include <gtest/gtest.h>

#include "services/runtime/base/status.h"

namespace rapport {
namespace {

constexpr char kTraceparent[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr char kTraceId[] = "4bf92f3577b34da6a3ce929d0e0e4736";

TEST(LogLine, IsLogfmt) {
  const absl::Time now = absl::FromUnixMillis(1'795'399'820'123);
  EXPECT_EQ(LogLine(now, Level::kInfo, "serving", {{"services", "accounts,sales"}, {"none", ""}}),
            "time=2026-11-23T02:10:20.123Z level=info event=serving services=accounts,sales\n");
  EXPECT_EQ(LogLine(now, Level::kError, "x", {{"why", "a \"b\"\\\n\x01=入"}}),
            "time=2026-11-23T02:10:20.123Z level=error event=x "
            "why=\"a \\\"b\\\"\\\\\\n\\x01=入\"\n");
}

// What comes from outside cannot begin a line of its own.
TEST(LogLine, IsOneLine) {
  const std::string line =
      LogLine(absl::UnixEpoch(), Level::kWarning, "x", {{"a", "1\ntime=now level=info\r\n"}});
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

TEST(Traceparent, IsReadOrIgnored) {
  EXPECT_EQ(TraceIdOf(kTraceparent), kTraceId);
  for (const std::string text :
       {"", "00", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-and-more",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}) {
    EXPECT_FALSE(IsTraceparent(text)) << text;
    EXPECT_EQ(TraceIdOf(text), "") << text;
  }
}

TEST(HideInternal, LogsTheWholeErrorBesideTheTraceId) {
  testing::internal::CaptureStderr();
  const absl::Status hidden = HideInternal(absl::DataLossError("/data/log is broken"), kTraceparent,
                                           {{"request_id", "r-1"}, {"resource", "customers/ada"}});
  const std::string line = testing::internal::GetCapturedStderr();
  EXPECT_EQ(hidden.message(), std::string("internal error; trace id ") + kTraceId);
  EXPECT_NE(line.find(std::string(" level=error event=internal_error trace_id=") + kTraceId +
                      " code=DATA_LOSS request_id=r-1 resource=customers/ada "
                      "error=\"/data/log is broken\"\n"),
            std::string::npos)
      << line;
}

}  // namespace
}  // namespace rapport
