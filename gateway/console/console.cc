#include "gateway/console/console.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/console/files.h"

namespace rapport::console {
namespace {

// Nothing but our own files, and no script in a page: what a customer wrote can never run.
constexpr absl::string_view kHeaders =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cache-Control: no-cache\r\n";

absl::string_view TypeOf(absl::string_view name) {
  if (absl::EndsWith(name, ".css")) return "text/css; charset=utf-8";
  if (absl::EndsWith(name, ".js")) return "text/javascript; charset=utf-8";
  return "text/html; charset=utf-8";
}

}  // namespace

std::map<std::string, rest::HttpResponse, std::less<>> Pages() {
  std::map<std::string, rest::HttpResponse, std::less<>> pages;
  for (const File& file : Files()) {
    const std::string name = file.name == "index.html" ? "" : file.name;
    pages[absl::StrCat("/console/", name)] = {.headers = std::string(kHeaders),
                                              .body = std::string(file.bytes),
                                              .content_type = TypeOf(file.name)};
  }
  pages["/console"] = {.status = 308, .headers = "Location: /console/\r\n"};
  return pages;
}

}  // namespace rapport::console
