// How Rapport says no: absl::Status whose details are google.rpc messages.
//
// Every function here makes a status with a code, a sentence that says what is wrong and the way
// out, and the details that a client can act on. The gateway turns them into google.rpc.Status.
// Threads: pure functions.
#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/runtime/base/log_line.h"

namespace google::rpc {
class Status;
}
namespace google::protobuf {
class Message;
}

// The two macros of the tree: return early with the status of an expression that failed.
#define RETURN_IF_ERROR(expression)                                         \
  do {                                                                      \
    if (absl::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)

#define RAPPORT_CONCAT_(a, b) a##b
#define RAPPORT_CONCAT(a, b) RAPPORT_CONCAT_(a, b)
#define ASSIGN_OR_RETURN(left, expression) \
  ASSIGN_OR_RETURN_(RAPPORT_CONCAT(status_or_, __LINE__), left, expression)
#define ASSIGN_OR_RETURN_(temporary, left, expression) \
  auto temporary = (expression);                       \
  if (!temporary.ok()) return temporary.status();      \
  left = *std::move(temporary)

namespace rapport {

// INVALID_ARGUMENT with a BadRequest that names the field by its proto path
// ("order.lines[2].amount"; the REST layer respells it for JSON callers).
absl::Status InvalidField(absl::string_view field, absl::string_view what);

// FAILED_PRECONDITION with an ErrorInfo. `reason` is the name of a Refusal value of the service,
// `domain` is "<service>.rapport"; `name` is the resource that says no.
absl::Status Refused(absl::string_view domain, absl::string_view reason, absl::string_view name,
                     absl::string_view what);

// The same for a resource that is deleted, of whichever service: reason DELETED.
absl::Status Deleted(absl::string_view name);

// ABORTED, reason ETAG_MISMATCH, with the present etag in the metadata.
absl::Status EtagMismatch(absl::string_view name, absl::string_view present_etag);

// ALREADY_EXISTS / NOT_FOUND with a ResourceInfo.
absl::Status AlreadyExists(absl::string_view name, absl::string_view what);
absl::Status NotFound(absl::string_view name, absl::string_view what = "");

// ALREADY_EXISTS, reason REQUEST_ID_REUSED: the id came with another body before, for `name`.
absl::Status RequestIdReused(absl::string_view name, absl::string_view request_id);
bool IsRequestIdReused(const absl::Status& status);

// How soon to try again what another owner, a start or a full queue refused.
inline constexpr absl::Duration kRetryAfter = absl::Milliseconds(100);
// RESOURCE_EXHAUSTED / UNAVAILABLE with a RetryInfo. An UNAVAILABLE write is safe to repeat with
// the same request id.
absl::Status Overloaded(absl::string_view what, absl::Duration retry_after = kRetryAfter);
absl::Status Unavailable(absl::string_view what, absl::Duration retry_after = kRetryAfter);

// The status with its details, and back.
google::rpc::Status ToRpcStatus(const absl::Status& status);
absl::Status FromRpcStatus(const google::rpc::Status& status);

// What a caller may know of a failure that is ours (UNKNOWN, INTERNAL, DATA_LOSS): INTERNAL and a
// trace id, the caller's own where `traceparent` (W3C) has one. The whole status is logged beside
// that id and `names`: what the call was, request_id, resource. Other statuses, and one that was
// hidden before, are unchanged.
absl::Status HideInternal(const absl::Status& status, absl::string_view traceparent,
                          absl::Span<const LogField> names = {});

// Adds `detail` to a status that is not OK.
void AddDetail(absl::Status& status, const google::protobuf::Message& detail);

// Stops the program with a reason: for what cannot happen unless the code is wrong.
void Ensure(bool condition, absl::string_view why);

}  // namespace rapport
