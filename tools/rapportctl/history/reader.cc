#include "tools/rapportctl/history/reader.h"

#include <rapidjson/document.h>

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/runtime/base/status.h"

namespace rapport::history {
namespace {

// A line's values, reused from line to line.
constexpr size_t kPoolBytes = 256 << 10;

const std::vector<absl::string_view> kInvocationMembers = {
    "op", "type", "time", "process", "host", "f", "key", "value", "after", "note"};
const std::vector<absl::string_view> kAnswerMembers = {"op", "type", "time", "value", "note"};

absl::Status Expected(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("expected ", what));
}

}  // namespace

// One line's JSON object. Errors say what was expected; the caller knows where.
class HistoryReader::Line {
 public:
  explicit Line(const rapidjson::Value& object) : object_(object) {}

  absl::Status CheckMembers(const std::vector<absl::string_view>& known) const {
    for (const auto& member : object_.GetObject()) {
      const absl::string_view name(member.name.GetString(), member.name.GetStringLength());
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        return Expected(absl::StrCat("no \"", name, "\"; members of this line are ",
                                     absl::StrJoin(known, ", ")));
      }
    }
    return absl::OkStatus();
  }

  const rapidjson::Value* Find(const char* name) const {
    const auto found = object_.FindMember(name);
    return found == object_.MemberEnd() ? nullptr : &found->value;
  }

  absl::StatusOr<absl::string_view> Text(const char* name) const {
    const rapidjson::Value* value = Find(name);
    if (value == nullptr || !value->IsString() || value->GetStringLength() == 0) {
      return Expected(absl::StrCat("\"", name, "\" as a text"));
    }
    return absl::string_view(value->GetString(), value->GetStringLength());
  }

  // A name that may be a number: 7 is "7".
  static std::optional<std::string> Name(const rapidjson::Value* value) {
    if (value == nullptr) return std::nullopt;
    if (value->IsUint64()) return absl::StrCat(value->GetUint64());
    if (!value->IsString() || value->GetStringLength() == 0) return std::nullopt;
    return std::string(value->GetString(), value->GetStringLength());
  }

  absl::StatusOr<std::string> Name(const char* name) const {
    std::optional<std::string> found = Name(Find(name));
    if (found) return *std::move(found);
    return Expected(absl::StrCat("\"", name, "\" as a text or a number from 0"));
  }

 private:
  const rapidjson::Value& object_;
};

std::string HistoryReader::PlaceOf(const Operation& operation) const {
  return absl::StrCat(history_.files[operation.file], ":", operation.line);
}

absl::Status HistoryReader::Read(const std::string& file, std::istream& input) {
  history_.files.push_back(file);
  std::vector<char> room(kPoolBytes);
  rapidjson::MemoryPoolAllocator<> pool(room.data(), room.size());
  std::string text;
  for (uint32_t number = 1; std::getline(input, text); ++number) {
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    absl::Status taken = Expected("a JSON object in one line");
    {
      rapidjson::Document object(&pool);
      object.ParseInsitu(text.data());
      if (!object.HasParseError() && object.IsObject()) taken = Take(Line(object), number);
    }
    pool.Clear();
    if (!taken.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(file, ":", number, ": ", taken.message()));
    }
  }
  if (input.bad()) return absl::InvalidArgumentError(absl::StrCat("cannot read all of ", file));
  return absl::OkStatus();
}

absl::Status HistoryReader::Take(const Line& line, uint32_t number) {
  ASSIGN_OR_RETURN(const absl::string_view type, line.Text("type"));
  const bool invocation = type == "invoke";
  if (!invocation && type != "ok" && type != "fail" && type != "info") {
    return Expected(absl::StrCat("\"type\" to be invoke, ok, fail or info, not \"", type, "\""));
  }
  RETURN_IF_ERROR(line.CheckMembers(invocation ? kInvocationMembers : kAnswerMembers));
  ASSIGN_OR_RETURN(const std::string name, line.Name("op"));
  const rapidjson::Value* time = line.Find("time");
  if (time == nullptr || !time->IsInt64()) {
    return Expected("\"time\" as whole nanoseconds of a monotonic clock");
  }
  const uint32_t id = history_.ids.NumberOf(name);
  operation_of_.resize(history_.ids.size(), kNone);
  return invocation ? TakeInvocation(line, id, time->GetInt64(), number)
                    : TakeAnswer(line, id, time->GetInt64(), number);
}

absl::Status HistoryReader::TakeInvocation(const Line& line, uint32_t id, int64_t time,
                                           uint32_t number) {
  const uint32_t index = static_cast<uint32_t>(history_.operations.size());
  if (operation_of_[id] != kNone) {
    return Expected(absl::StrCat("an \"op\" of its own; ", history_.ids[id], " was begun at ",
                                 PlaceOf(history_.operations[operation_of_[id]])));
  }
  if (index == kMaxOperations) {
    return Expected(absl::StrCat("at most ", kMaxOperations,
                                 " operations; split the history by keys, with their \"after\""));
  }
  Operation operation{.id = id,
                      .file = static_cast<uint32_t>(history_.files.size() - 1),
                      .line = number,
                      .invoked = time};
  ASSIGN_OR_RETURN(const absl::string_view f, line.Text("f"));
  if (f != "append" && f != "read" && f != "strong") {
    return Expected(absl::StrCat("\"f\" to be append, read or strong, not \"", f, "\""));
  }
  operation.kind = f == "append" ? Kind::kAppend : f == "read" ? Kind::kRead : Kind::kStrongRead;
  ASSIGN_OR_RETURN(const std::string process, line.Name("process"));
  ASSIGN_OR_RETURN(const std::string key, line.Name("key"));
  std::string host;
  if (line.Find("host") != nullptr) {
    ASSIGN_OR_RETURN(host, line.Name("host"));
  }
  operation.process = history_.processes.NumberOf(process);
  operation.host = history_.hosts.NumberOf(host);
  operation.key = history_.keys.NumberOf(key);
  RETURN_IF_ERROR(TakeToken(line, index, &operation));
  RETURN_IF_ERROR(TakeAfter(line, &operation));
  operation_of_.resize(history_.ids.size(), kNone);
  operation_of_[id] = index;
  history_.operations.push_back(operation);
  return absl::OkStatus();
}

absl::Status HistoryReader::TakeToken(const Line& line, uint32_t index, Operation* operation) {
  if (operation->reads()) {
    if (line.Find("value") == nullptr) return absl::OkStatus();
    return Expected("no \"value\" where a read begins; its answer has it");
  }
  ASSIGN_OR_RETURN(const std::string token, line.Name("value"));
  operation->token = TokenNumber(token);
  uint32_t& append = history_.append_of[operation->token];
  if (append != kNone) {
    return Expected(absl::StrCat("a \"value\" that is appended once; \"", token, "\" was at ",
                                 PlaceOf(history_.operations[append])));
  }
  append = index;
  return absl::OkStatus();
}

absl::Status HistoryReader::TakeAfter(const Line& line, Operation* operation) {
  constexpr absl::string_view kWhat = "\"after\" as a list of ops, each a text or a number from 0";
  operation->after_begin = history_.after.size();
  const rapidjson::Value* after = line.Find("after");
  if (after == nullptr) return absl::OkStatus();
  if (!after->IsArray()) return Expected(kWhat);
  for (const auto& element : after->GetArray()) {
    const auto name = Line::Name(&element);
    if (!name) return Expected(kWhat);
    history_.after.push_back(history_.ids.NumberOf(*name));
  }
  operation->after_count = after->Size();
  return absl::OkStatus();
}

absl::Status HistoryReader::TakeAnswer(const Line& line, uint32_t id, int64_t time,
                                       uint32_t number) {
  const uint32_t index = operation_of_[id];
  if (index == kNone || history_.operations[index].file + 1 != history_.files.size()) {
    return Expected(
        absl::StrCat("an earlier line of this file that invokes op ", history_.ids[id]));
  }
  Operation& operation = history_.operations[index];
  if (operation.answer_line != 0) {
    return Expected(absl::StrCat("one answer to op ", history_.ids[id], "; it has that of line ",
                                 operation.answer_line));
  }
  if (time < operation.invoked) {
    return Expected(absl::StrCat("a \"time\" not before ", operation.invoked, ", when op ",
                                 history_.ids[id], " was invoked"));
  }
  operation.answer_line = number;
  const absl::string_view type = *line.Text("type");
  // What timed out may be done later: its time says nothing.
  if (type == "info") return absl::OkStatus();
  operation.completed = time;
  operation.outcome = type == "ok" ? Outcome::kOk : Outcome::kFailed;
  if (operation.reads() && operation.ok()) return TakeShown(line, index);
  if (line.Find("value") != nullptr) return Expected("no \"value\" but where a read is ok");
  return absl::OkStatus();
}

absl::Status HistoryReader::TakeShown(const Line& line, uint32_t index) {
  constexpr absl::string_view kWhat =
      "\"value\" as the list of tokens, each a text, a number from 0 or a list of its fields";
  const rapidjson::Value* value = line.Find("value");
  if (value == nullptr || !value->IsArray()) return Expected(kWhat);
  Operation& operation = history_.operations[index];
  operation.shown_begin = history_.shown.size();
  operation.shown_count = value->Size();
  for (const auto& element : value->GetArray()) {
    std::vector<std::string> fields;
    const bool several = element.IsArray();
    for (rapidjson::SizeType i = 0; i < (several ? element.Size() : 1); ++i) {
      auto field = Line::Name(several ? &element[i] : &element);
      if (!field) return Expected(kWhat);
      fields.push_back(*std::move(field));
    }
    if (fields.empty()) return Expected(kWhat);
    history_.shown.push_back(TokenNumber(fields[0]));
    if (std::count(fields.begin(), fields.end(), fields[0]) !=
        static_cast<ptrdiff_t>(fields.size())) {
      history_.torn.push_back({index, absl::StrJoin(fields, ", ")});
    }
  }
  return absl::OkStatus();
}

uint32_t HistoryReader::TokenNumber(absl::string_view token) {
  const uint32_t number = history_.tokens.NumberOf(token);
  history_.append_of.resize(history_.tokens.size(), kNone);
  return number;
}

absl::StatusOr<History> HistoryReader::Finish() && {
  if (history_.operations.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(absl::StrJoin(history_.files, ", "), ": expected at least one operation"));
  }
  RETURN_IF_ERROR(ResolveAfter());
  RETURN_IF_ERROR(OrderCausally());
  GroupByKey();
  return std::move(history_);
}

absl::Status HistoryReader::ResolveAfter() {
  for (const Operation& operation : history_.operations) {
    for (uint32_t i = 0; i < operation.after_count; ++i) {
      uint32_t& after = history_.after[operation.after_begin + i];
      const std::string& name = history_.ids[after];
      const auto wrong = [&](absl::string_view what) {
        return absl::InvalidArgumentError(absl::StrCat(
            PlaceOf(operation), ": expected \"after\" to name ops whose answers it knows; ", name,
            " ", what));
      };
      after = operation_of_[after];
      if (after == kNone) return wrong("is no op of this history");
      const Operation& earlier = history_.operations[after];
      if (!earlier.ok()) return wrong("was never answered ok");
      if (earlier.host == operation.host && earlier.completed > operation.invoked) {
        return wrong("was answered later");
      }
    }
  }
  return absl::OkStatus();
}

// An operation is ready when all are in the order whose tokens it carried.
absl::Status HistoryReader::OrderCausally() {
  const std::vector<Operation>& operations = history_.operations;
  std::vector<size_t> begin(operations.size() + 1);
  for (const uint32_t earlier : history_.after) ++begin[earlier + 1];
  for (size_t i = 0; i < operations.size(); ++i) begin[i + 1] += begin[i];
  std::vector<uint32_t> followers(history_.after.size());
  std::vector<uint32_t> missing(operations.size());
  std::vector<size_t> end(begin.begin(), begin.end() - 1);
  for (uint32_t i = 0; i < operations.size(); ++i) {
    missing[i] = operations[i].after_count;
    for (const uint32_t earlier : history_.After(operations[i])) followers[end[earlier]++] = i;
  }
  auto& order = history_.causal_order;
  order.reserve(operations.size());
  for (uint32_t i = 0; i < operations.size(); ++i) {
    if (missing[i] == 0) order.push_back(i);
  }
  for (size_t at = 0; at < order.size(); ++at) {
    for (size_t i = begin[order[at]]; i < begin[order[at] + 1]; ++i) {
      if (--missing[followers[i]] == 0) order.push_back(followers[i]);
    }
  }
  if (order.size() == operations.size()) return absl::OkStatus();
  const auto first = std::find_if(missing.begin(), missing.end(), [](uint32_t n) { return n > 0; });
  return absl::InvalidArgumentError(
      absl::StrCat(PlaceOf(operations[first - missing.begin()]),
                   ": expected \"after\" to lead back in time; it leads back to itself"));
}

void HistoryReader::GroupByKey() {
  history_.key_begin.resize(history_.keys.size() + 1);
  for (const auto& operation : history_.operations) ++history_.key_begin[operation.key + 1];
  for (size_t key = 0; key < history_.keys.size(); ++key) {
    history_.key_begin[key + 1] += history_.key_begin[key];
  }
  history_.by_key.resize(history_.operations.size());
  std::vector<size_t> end(history_.key_begin.begin(), history_.key_begin.end() - 1);
  for (uint32_t i = 0; i < history_.operations.size(); ++i) {
    history_.by_key[end[history_.operations[i].key]++] = i;
  }
}

}  // namespace rapport::history
