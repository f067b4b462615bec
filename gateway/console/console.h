// The view as a page: /console/, plain HTML and script over the REST API. It only reads.
// Threads: a pure function.
#pragma once

#include <map>
#include <string>

#include "gateway/rest/http_error.h"

namespace rapport::console {

// What each path answers, for HttpServer::Options::files.
std::map<std::string, rest::HttpResponse, std::less<>> Pages();

}  // namespace rapport::console
