#include "tools/rapportctl/import.h"

#include <rapidjson/document.h>

#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/runtime/base/status.h"
#include "tools/rapportctl/http.h"

namespace rapport {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

constexpr size_t kChunkBytes = 64 << 10;
// Tries without a single answer between them; a restarting server needs a few seconds.
constexpr int kMaxTries = 6;
constexpr absl::Duration kFirstPause = absl::Milliseconds(250);
constexpr int kHttpOk = 200;

std::string Text(const rapidjson::Value& object, const char* member) {
  const auto found = object.FindMember(member);
  return found != object.MemberEnd() && found->value.IsString() ? found->value.GetString() : "";
}

// The first field that the error's BadRequest names.
std::string FieldOf(const rapidjson::Value& error) {
  const auto details = error.FindMember("details");
  if (details == error.MemberEnd() || !details->value.IsArray()) return "";
  for (const auto& detail : details->value.GetArray()) {
    if (!detail.IsObject()) continue;
    const auto violations = detail.FindMember("fieldViolations");
    if (violations == detail.MemberEnd() || !violations->value.IsArray()) continue;
    for (const auto& violation : violations->value.GetArray()) {
      if (violation.IsObject()) return Text(violation, "field");
    }
  }
  return "";
}

std::string DescribeError(const rapidjson::Value& error) {
  const std::string message = Text(error, "message");
  const std::string field = FieldOf(error);
  const std::string what = message.empty() ? Text(error, "status") : message;
  const bool named = field.empty() || what.find(field) != std::string::npos;
  return named ? what : absl::StrCat(field, ": ", what);
}

std::string Header(const ImportTarget& target, int64_t first_row) {
  return absl::StrCat("POST /v1/", EscapePath(target.collection),
                      ":import?job=", EscapePath(target.job), "&firstRow=", first_row,
                      " HTTP/1.1\r\nHost: ", target.server.host,
                      "\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n"
                      "Connection: close\r\n\r\n");
}

// Its own thread. A failure to write shows as the end of the answers.
void WriteRows(Connection& connection, ImportRows& rows, const std::string& header) {
  error_code error;
  boost::asio::write(connection, boost::asio::buffer(header), error);
  while (!error) {
    const std::string chunk = rows.NextChunk(kChunkBytes);
    if (chunk.empty()) break;
    boost::asio::write(
        connection, http::make_chunk(boost::asio::const_buffer(chunk.data(), chunk.size())), error);
  }
  if (!error) boost::asio::write(connection, http::make_chunk_last(), error);
}

// One connection's answers, as they come.
class Answers {
 public:
  Answers(Connection& connection, ImportRows& rows,
          const std::function<void(const ImportAnswer&)>& tell)
      : connection_(connection), rows_(rows), tell_(tell) {
    parser_.body_limit(boost::none);
  }

  // OK once the counts were read, which are the last line.
  absl::Status ReadAll() {
    error_code error;
    http::read_header(connection_, buffer_, parser_, error);
    if (error) return connection_.Explain(error);
    std::string lines;
    while (!parser_.is_done()) {
      char piece[kChunkBytes];
      parser_.get().body().data = piece;
      parser_.get().body().size = sizeof(piece);
      http::read(connection_, buffer_, parser_, error);
      if (error && error != http::error::need_buffer) return connection_.Explain(error);
      lines.append(piece, sizeof(piece) - parser_.get().body().size);
      if (parser_.get().result_int() == kHttpOk) RETURN_IF_ERROR(TakeLines(&lines));
    }
    if (parser_.get().result_int() != kHttpOk) {
      return HttpFailure(static_cast<int>(parser_.get().result_int()), lines);
    }
    if (counted_) return absl::OkStatus();
    return absl::UnavailableError("the server's answer broke off");
  }

  bool any() const { return any_; }

 private:
  absl::Status TakeLines(std::string* lines) {
    size_t begin = 0;
    for (size_t end; (end = lines->find('\n', begin)) != std::string::npos; begin = end + 1) {
      ASSIGN_OR_RETURN(const auto answer,
                       ParseImportAnswer(absl::string_view(*lines).substr(begin, end - begin)));
      if (!answer) {
        counted_ = true;
        continue;
      }
      any_ = true;
      rows_.Answered(answer->row);
      tell_(*answer);
    }
    lines->erase(0, begin);
    return absl::OkStatus();
  }

  Connection& connection_;
  ImportRows& rows_;
  const std::function<void(const ImportAnswer&)>& tell_;
  boost::beast::flat_buffer buffer_;
  http::response_parser<http::buffer_body> parser_;
  bool any_ = false;
  bool counted_ = false;
};

absl::Status TryOnce(const ImportTarget& target, ImportRows& rows,
                     const std::function<void(const ImportAnswer&)>& tell, bool* any) {
  ASSIGN_OR_RETURN(const auto connection, Connection::Open(target.server));
  const std::string header = Header(target, rows.Restart());
  std::thread writer([&] { WriteRows(*connection, rows, header); });
  Answers answers(*connection, rows, tell);
  const absl::Status read = answers.ReadAll();
  *any = answers.any();
  rows.Interrupt();
  // Wakes a writer that waits for a server which reads no more.
  if (!read.ok()) connection->Interrupt();
  writer.join();
  return read;
}

}  // namespace

absl::StatusOr<std::optional<ImportAnswer>> ParseImportAnswer(absl::string_view line) {
  rapidjson::Document parsed;
  parsed.Parse(line.data(), line.size());
  if (!parsed.IsObject()) {
    return absl::DataLossError("the server's answer is no import's; is --server a Rapport?");
  }
  const auto row = parsed.FindMember("row");
  if (row == parsed.MemberEnd()) return std::nullopt;
  ImportAnswer answer;
  if (row->value.IsInt64()) answer.row = row->value.GetInt64();
  const auto repeat = parsed.FindMember("repeat");
  answer.repeat = repeat != parsed.MemberEnd() && repeat->value.IsTrue();
  const auto error = parsed.FindMember("error");
  if (error != parsed.MemberEnd() && error->value.IsObject()) {
    answer.error = DescribeError(error->value);
    if (answer.error.empty()) answer.error = "refused without a reason";
  }
  return answer;
}

absl::Status Import(const ImportTarget& target, ImportRows& rows,
                    const std::function<void(const ImportAnswer&)>& tell,
                    const std::function<void(const std::string&)>& say) {
  absl::Duration pause = kFirstPause;
  for (int tries = 1;; ++tries) {
    bool any = false;
    const absl::Status tried = TryOnce(target, rows, tell, &any);
    if (any) {
      tries = 1;
      pause = kFirstPause;
    }
    if (!absl::IsUnavailable(tried) || tries >= kMaxTries) return tried;
    say(absl::StrCat(tried.message(), "; going on with row ", rows.Restart(), " in ",
                     absl::FormatDuration(pause)));
    absl::SleepFor(pause);
    pause *= 2;
  }
}

}  // namespace rapport
