#include "tests/unit/rapportctl/history/recorded.h"

#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/runtime/base/status.h"
#include "tools/rapportctl/history/reader.h"

namespace rapport::history {
namespace {

Recorded Reading(const std::string& f, const std::vector<std::string>& tokens) {
  Recorded read{.f = f};
  for (const auto& token : tokens) read.shown.push_back(InQuotes(token));
  return read;
}

}  // namespace

std::string InQuotes(const std::string& token) {
  return absl::StrCat("\"", token, "\"");
}

Recorded Append(const std::string& token) {
  return {.f = "append", .token = token};
}

Recorded Read(const std::vector<std::string>& tokens) {
  return Reading("read", tokens);
}

Recorded Strong(const std::vector<std::string>& tokens) {
  return Reading("strong", tokens);
}

std::string ToNdjson(const std::vector<Recorded>& operations) {
  std::string lines;
  size_t op = 0;
  for (const auto& recorded : operations) {
    const bool append = recorded.f == "append";
    absl::StrAppend(&lines, R"({"op":)", ++op, R"(,"type":"invoke","time":)", recorded.invoked,
                    R"(,"process":)", recorded.process, R"(,"host":")", recorded.host, R"(","f":")",
                    recorded.f, R"(","key":")", recorded.key,
                    append ? R"(","value":)" + InQuotes(recorded.token) : "\"", R"(,"after":[)",
                    absl::StrJoin(recorded.after, ","), "]}\n");
    if (!recorded.answered) continue;
    const bool shows = !append && recorded.answer == "ok";
    absl::StrAppend(&lines, R"({"op":)", op, R"(,"type":")", recorded.answer, R"(","time":)",
                    *recorded.answered, shows ? R"(,"value":[)" : "",
                    shows ? absl::StrJoin(recorded.shown, ",") + "]" : "", "}\n");
  }
  return lines;
}

absl::StatusOr<History> Parse(const std::string& ndjson) {
  std::istringstream input(ndjson);
  HistoryReader reader;
  RETURN_IF_ERROR(reader.Read("h.ndjson", input));
  return std::move(reader).Finish();
}

Verdict VerdictOn(const std::vector<Recorded>& operations) {
  const auto history = Parse(ToNdjson(operations));
  Ensure(history.ok(), history.status().message());
  return Verify(*history);
}

std::vector<std::string> FaultsOf(const std::vector<Recorded>& operations) {
  const Verdict verdict = VerdictOn(operations);
  std::vector<std::string> names;
  for (int fault = 0; fault < kFaults; ++fault) {
    if (verdict.faults[fault] > 0) names.emplace_back(NameOf(static_cast<Fault>(fault)));
  }
  return names;
}

}  // namespace rapport::history
