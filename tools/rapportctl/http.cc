#include "tools/rapportctl/http.h"

#include <rapidjson/document.h>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

// The largest answer that is read whole: a view of the largest resources.
constexpr uint64_t kMaxAnswerBytes = uint64_t{16} << 20;
constexpr int kHttpOk = 200;
constexpr int kHttpUnavailable = 503;

}  // namespace

absl::StatusOr<std::string> HttpGet(const ServerAddress& server, const std::string& target) {
  ASSIGN_OR_RETURN(const auto connection, Connection::Open(server));
  http::request<http::empty_body> request(http::verb::get, target, 11);
  request.set(http::field::host, server.host);
  request.keep_alive(false);
  error_code error;
  // A failure to write shows as the end of the answer, which may say why.
  http::write(*connection, request, error);
  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kMaxAnswerBytes);
  http::read(*connection, buffer, parser, error);
  if (error) return connection->Explain(error);
  const auto& answer = parser.get();
  if (answer.result_int() != kHttpOk) {
    return HttpFailure(static_cast<int>(answer.result_int()), answer.body());
  }
  return answer.body();
}

absl::Status HttpFailure(int http_status, absl::string_view body) {
  rapidjson::Document parsed;
  parsed.Parse(body.data(), body.size());
  std::string message = absl::StrCat("the server answered ", http_status);
  if (parsed.IsObject()) {
    const bool wrapped = parsed.HasMember("error") && parsed["error"].IsObject();
    const rapidjson::Value& status = wrapped ? parsed["error"] : parsed;
    if (status.HasMember("message") && status["message"].IsString()) {
      message = status["message"].GetString();
    }
  }
  return http_status == kHttpUnavailable ? absl::UnavailableError(message)
                                         : absl::FailedPreconditionError(message);
}

std::string EscapePath(absl::string_view path) {
  std::string escaped;
  for (const char c : path) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
        absl::string_view("/-._~:").find(c) != absl::string_view::npos) {
      escaped += c;
    } else {
      absl::StrAppendFormat(&escaped, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

}  // namespace rapport
