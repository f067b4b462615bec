// Reads a history as README.md describes it: NDJSON, an event a line.
//
//   HistoryReader reader;
//   RETURN_IF_ERROR(reader.Read("clients.ndjson", input));  // for each file
//   ASSIGN_OR_RETURN(const History history, std::move(reader).Finish());
//
// Every error is INVALID_ARGUMENT and begins with file and line: "clients.ndjson:7: …".
// Threads: one.
#pragma once

#include <istream>

#include "absl/status/statusor.h"
#include "tools/rapportctl/history/history.h"

namespace rapport::history {

// 550 to 1,100 bytes of memory each.
inline constexpr size_t kMaxOperations = 20'000'000;

class HistoryReader {
 public:
  // Operations of several files are one history.
  absl::Status Read(const std::string& file, std::istream& input);

  // What is seen only when all is read: that operations name each other rightly in "after".
  absl::StatusOr<History> Finish() &&;

 private:
  class Line;

  absl::Status Take(const Line& line, uint32_t number);
  absl::Status TakeInvocation(const Line& line, uint32_t id, int64_t time, uint32_t number);
  absl::Status TakeToken(const Line& line, uint32_t index, Operation* operation);
  absl::Status TakeAfter(const Line& line, Operation* operation);
  absl::Status TakeAnswer(const Line& line, uint32_t id, int64_t time, uint32_t number);
  absl::Status TakeShown(const Line& line, uint32_t index);
  absl::Status ResolveAfter();
  absl::Status OrderCausally();
  void GroupByKey();
  uint32_t TokenNumber(absl::string_view token);
  // "clients.ndjson:7".
  std::string PlaceOf(const Operation& operation) const;

  History history_;
  std::vector<uint32_t> operation_of_;  // id -> operation, or kNone while it is only named
};

}  // namespace rapport::history
