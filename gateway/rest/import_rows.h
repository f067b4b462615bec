// What an import request means and how its rows and results are written, without any socket.
// Threads: pure functions.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/import/importer.h"
#include "gateway/rest/rest_call.h"
#include "gateway/rest/routes.h"

namespace rapport::rest {

inline constexpr absl::string_view kImportVerb = ":import";
// A row is one resource, of which a record holds 64 KiB; JSON may be much longer than that.
inline constexpr size_t kMaxRowBytes = 1024 * 1024;

// POST /v1/customers/-/orders:import?job=2026-11&firstRow=1
struct ImportPlan {
  RouteMatch match;         // of the collection's Create
  bool any_parent = false;  // the path says "-": every row names its own
  std::string job;
  int64_t first_row = 1;  // the number of the body's first line
};

// Whether a request is an import at all.
bool IsImportPath(absl::string_view path);

// The plan, or the refusal. Views in the plan point into the request.
struct PlannedImport {
  bool good = false;
  ImportPlan plan;
  HttpResponse refusal;
};
PlannedImport PlanImport(const Routes& routes, const HttpRequest& request);

// The Create request that a row is.
absl::StatusOr<std::unique_ptr<google::protobuf::Message>> ParseRow(const ImportPlan& plan,
                                                                    absl::string_view line);

// {"row":1,"name":"customers/x"} or {"row":2,"error":{…}}, with the line's end.
void AppendResultLine(const ImportResult& result, absl::string_view traceparent, std::string* out);
// {"job":"…","rows":…,"succeeded":…,"failed":…}
void AppendCountsLine(absl::string_view job, const ImportCounts& counts, std::string* out);

}  // namespace rapport::rest
