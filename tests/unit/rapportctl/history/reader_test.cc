// Lines that are no history: where, and what was expected.
#include "tools/rapportctl/history/reader.h"

#include <sstream>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/rapportctl/history/recorded.h"

namespace rapport::history {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kAppend =
    R"({"op":1,"type":"invoke","time":5,"process":0,"f":"append","key":"k","value":"a"})"
    "\n";
constexpr const char* kAcknowledged = R"({"op":1,"type":"ok","time":6})"
                                      "\n";

std::string ErrorOf(const std::string& ndjson) {
  const auto history = Parse(ndjson);
  EXPECT_TRUE(absl::IsInvalidArgument(history.status())) << history.status();
  return std::string(history.status().message());
}

TEST(Reader, ReadsEveryMember) {
  const auto history = Parse(
      R"({"op":1,"type":"invoke","time":5,"process":0,"host":"eu-1","f":"append","key":"k","value":"a"})"
      "\n"
      R"({"op":1,"type":"ok","time":6,"note":"second try"})"
      "\n\n"
      R"({"op":"x","type":"invoke","time":7,"process":"p","host":"eu-1","f":"read","key":"k","after":[1]})"
      "\n"
      R"({"op":"x","type":"ok","time":9,"value":["a",["b","b"],17]})"
      "\r\n");
  ASSERT_TRUE(history.ok()) << history.status();
  ASSERT_EQ(history->operations.size(), 2);
  const Operation& read = history->operations[1];
  EXPECT_EQ(history->ids[read.id], "x");
  EXPECT_EQ(read.line, 4);
  EXPECT_EQ(read.answer_line, 5);
  EXPECT_EQ(read.invoked, 7);
  EXPECT_EQ(read.completed, 9);
  EXPECT_THAT(history->After(read), ElementsAre(0));
  std::vector<std::string> shown;
  for (const uint32_t token : history->Shown(read)) shown.push_back(history->tokens[token]);
  EXPECT_THAT(shown, ElementsAre("a", "b", "17"));
  EXPECT_TRUE(history->torn.empty());
}

TEST(Reader, SaysWhereAndWhatWasExpected) {
  const std::string open(kAppend);
  const std::string answered = open + kAcknowledged;
  const std::string read = R"({"op":2,"type":"invoke","time":7,"process":0,"f":"read","key":"k")";
  for (
      const auto& [ndjson, error] : std::vector<std::pair<std::string, std::string>>{
          {"", "h.ndjson: expected at least one operation"},
          {"{\"op\":1", "h.ndjson:1: expected a JSON object"},
          {"[]", "h.ndjson:1: expected a JSON object"},
          {R"({"op":1,"time":1})", "h.ndjson:1: expected \"type\""},
          {R"({"op":1,"type":"done","time":1})", "not \"done\""},
          {R"({"type":"ok","time":1})", "expected \"op\""},
          {R"({"op":1,"type":"ok","time":1.5})", "expected \"time\" as whole nanoseconds"},
          {R"({"op":1,"type":"ok","time":1,"tokens":[]})", "expected no \"tokens\"; members"},
          {R"({"op":1,"type":"ok","time":1})", "an earlier line of this file that invokes op 1"},
          {open + open, "h.ndjson:2: expected an \"op\" of its own; 1 was begun at h.ndjson:1"},
          {answered + kAcknowledged, "h.ndjson:3: expected one answer to op 1"},
          {open + R"({"op":1,"type":"ok","time":4})", "h.ndjson:2: expected a \"time\" not before"},
          {open + R"({"op":1,"type":"ok","time":6,"value":[]})", "no \"value\" but where a read"},
          {R"({"op":1,"type":"invoke","time":5,"process":0,"f":"write","key":"k"})",
           "append, read or strong, not \"write\""},
          {R"({"op":1,"type":"invoke","time":5,"f":"read","key":"k"})", "expected \"process\""},
          {R"({"op":1,"type":"invoke","time":5,"process":0,"f":"read"})", "expected \"key\""},
          {R"({"op":1,"type":"invoke","time":5,"process":0,"f":"append","key":"k"})",
           "expected \"value\""},
          {answered +
               R"({"op":2,"type":"invoke","time":5,"process":0,"f":"append","key":"k","value":"a"})",
           "h.ndjson:3: expected a \"value\" that is appended once; \"a\" was at h.ndjson:1"},
          {read + R"(,"value":[]})", "no \"value\" where a read begins"},
          {read + "}\n" + R"({"op":2,"type":"ok","time":8})",
           "h.ndjson:2: expected \"value\" as the list"},
          {read + "}\n" + R"({"op":2,"type":"ok","time":8,"value":[[]]})", "\"value\" as the list"},
          {read + R"(,"after":1})", "expected \"after\" as a list of ops"},
          {read + R"(,"after":[9]})",
           "h.ndjson:1: expected \"after\" to name ops whose answers it "
           "knows; 9 is no op of this history"},
          {open + read + R"(,"after":[1]})",
           "h.ndjson:2: expected \"after\" to name ops whose "
           "answers it knows; 1 was never answered ok"}}) {
    EXPECT_THAT(ErrorOf(ndjson), HasSubstr(error)) << ndjson;
    EXPECT_THAT(ErrorOf(ndjson), StartsWith("h.ndjson")) << ndjson;
  }
}

TEST(Reader, ATokenComesFromThePast) {
  EXPECT_THAT(ErrorOf(ToNdjson({Append("a").At(5, 6), Read({}).At(3, 4).After({1})})),
              HasSubstr("1 was answered later"));
  EXPECT_THAT(
      ErrorOf(ToNdjson({Read({}).At(1, 2).After({2}), Read({}).On("other").At(1, 2).After({1})})),
      HasSubstr("h.ndjson:1: expected \"after\" to lead back in time"));
}

TEST(Reader, SeveralFilesAreOneHistory) {
  HistoryReader reader;
  std::istringstream first(std::string(kAppend) + kAcknowledged);
  std::istringstream second(
      R"({"op":2,"type":"invoke","time":7,"process":1,"f":"read","key":"k","after":[1]})"
      "\n"
      R"({"op":2,"type":"ok","time":8,"value":[]})"
      "\n");
  ASSERT_EQ(reader.Read("first", second), absl::OkStatus());
  ASSERT_EQ(reader.Read("second", first), absl::OkStatus());
  const auto history = std::move(reader).Finish();
  ASSERT_TRUE(history.ok()) << history.status();
  EXPECT_EQ(Verify(*history).faults[static_cast<int>(Fault::kLost)], 1);
}

TEST(Reader, AnAnswerIsInTheFileOfItsInvocation) {
  HistoryReader reader;
  std::istringstream first(kAppend);
  std::istringstream second(kAcknowledged);
  ASSERT_EQ(reader.Read("first", first), absl::OkStatus());
  EXPECT_THAT(std::string(reader.Read("second", second).message()),
              HasSubstr("second:1: expected an earlier line of this file that invokes op 1"));
}

}  // namespace
}  // namespace rapport::history
