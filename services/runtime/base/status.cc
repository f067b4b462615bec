#include "services/runtime/base/status.h"

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace rapport {
namespace {

constexpr absl::string_view kTypePrefix = "type.googleapis.com/";

absl::Status WithResource(absl::StatusCode code, absl::string_view name,
                          absl::string_view message) {
  absl::Status status(code, message);
  google::rpc::ResourceInfo resource;
  resource.set_resource_name(std::string(name));
  AddDetail(status, resource);
  return status;
}

absl::Status WithRetry(absl::StatusCode code, absl::string_view what, absl::Duration retry_after) {
  absl::Status status(code, what);
  google::rpc::RetryInfo retry;
  const int64_t nanos = absl::ToInt64Nanoseconds(retry_after);
  retry.mutable_retry_delay()->set_seconds(nanos / 1'000'000'000);
  retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
  AddDetail(status, retry);
  return status;
}

constexpr absl::string_view kHiddenPrefix = "internal error; trace id ";

bool IsOurs(const absl::Status& status) {
  return (status.code() == absl::StatusCode::kInternal ||
          status.code() == absl::StatusCode::kDataLoss ||
          status.code() == absl::StatusCode::kUnknown) &&
         !absl::StartsWith(status.message(), kHiddenPrefix);
}

// The caller's trace id, or a random one.
std::string TraceIdFor(absl::string_view traceparent) {
  const absl::string_view given = TraceIdOf(traceparent);
  if (!given.empty()) return std::string(given);
  thread_local std::mt19937_64 random{std::random_device{}()};
  return absl::StrCat(absl::Hex(random(), absl::kZeroPad16), absl::Hex(random(), absl::kZeroPad16));
}

google::rpc::ErrorInfo ReusedInfo() {
  google::rpc::ErrorInfo info;
  info.set_reason("REQUEST_ID_REUSED");
  info.set_domain("rapport");
  return info;
}

}  // namespace

absl::Status HideInternal(const absl::Status& status, absl::string_view traceparent,
                          absl::Span<const LogField> names) {
  if (!IsOurs(status)) return status;
  const std::string trace_id = TraceIdFor(traceparent);
  const std::string code = absl::StatusCodeToString(status.code());
  std::vector<LogField> fields = {{"trace_id", trace_id}, {"code", code}};
  fields.insert(fields.end(), names.begin(), names.end());
  fields.push_back({"error", status.message()});
  Log(Level::kError, "internal_error", fields);
  return absl::InternalError(absl::StrCat(kHiddenPrefix, trace_id));
}

void AddDetail(absl::Status& status, const google::protobuf::Message& detail) {
  status.SetPayload(absl::StrCat(kTypePrefix, detail.GetTypeName()),
                    absl::Cord(detail.SerializeAsString()));
}

absl::Status InvalidField(absl::string_view field, absl::string_view what) {
  absl::Status status = absl::InvalidArgumentError(absl::StrCat(field, ": ", what));
  google::rpc::BadRequest bad;
  auto* violation = bad.add_field_violations();
  violation->set_field(std::string(field));
  violation->set_description(std::string(what));
  AddDetail(status, bad);
  return status;
}

absl::Status Refused(absl::string_view domain, absl::string_view reason, absl::string_view name,
                     absl::string_view what) {
  absl::Status status = absl::FailedPreconditionError(absl::StrCat(name, ": ", what));
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(reason));
  info.set_domain(std::string(domain));
  (*info.mutable_metadata())["resource"] = std::string(name);
  AddDetail(status, info);
  return status;
}

absl::Status Deleted(absl::string_view name) {
  return Refused("rapport", "DELETED", name, "it is deleted; undelete it first");
}

absl::Status EtagMismatch(absl::string_view name, absl::string_view present_etag) {
  absl::Status status = absl::AbortedError(absl::StrCat(
      name, " has changed: its etag is ", present_etag, "; read it again and repeat the change"));
  google::rpc::ErrorInfo info;
  info.set_reason("ETAG_MISMATCH");
  info.set_domain("rapport");
  (*info.mutable_metadata())["resource"] = std::string(name);
  (*info.mutable_metadata())["etag"] = std::string(present_etag);
  AddDetail(status, info);
  return status;
}

absl::Status AlreadyExists(absl::string_view name, absl::string_view what) {
  return WithResource(absl::StatusCode::kAlreadyExists, name, absl::StrCat(name, ": ", what));
}

absl::Status RequestIdReused(absl::string_view name, absl::string_view request_id) {
  absl::Status status = AlreadyExists(
      name, absl::StrCat("request id ", request_id, " was used with another body; use a new one"));
  AddDetail(status, ReusedInfo());
  return status;
}

bool IsRequestIdReused(const absl::Status& status) {
  const google::rpc::ErrorInfo info = ReusedInfo();
  return status.GetPayload(absl::StrCat(kTypePrefix, info.GetTypeName())) ==
         absl::Cord(info.SerializeAsString());
}

absl::Status NotFound(absl::string_view name, absl::string_view what) {
  return WithResource(
      absl::StatusCode::kNotFound, name,
      what.empty() ? absl::StrCat(name, " does not exist") : absl::StrCat(name, ": ", what));
}

absl::Status Overloaded(absl::string_view what, absl::Duration retry_after) {
  return WithRetry(absl::StatusCode::kResourceExhausted, what, retry_after);
}

absl::Status Unavailable(absl::string_view what, absl::Duration retry_after) {
  return WithRetry(absl::StatusCode::kUnavailable, what, retry_after);
}

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status rpc;
  rpc.set_code(static_cast<int>(status.code()));
  rpc.set_message(std::string(status.message()));
  status.ForEachPayload([&rpc](absl::string_view type_url, const absl::Cord& value) {
    auto* detail = rpc.add_details();
    detail->set_type_url(std::string(type_url));
    detail->set_value(std::string(value));
  });
  return rpc;
}

absl::Status FromRpcStatus(const google::rpc::Status& rpc) {
  absl::Status status(static_cast<absl::StatusCode>(rpc.code()), rpc.message());
  for (const auto& detail : rpc.details()) {
    status.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  }
  return status;
}

void Ensure(bool condition, absl::string_view why) {
  if (condition) return;
  Log(Level::kError, "impossible", {{"why", why}});
  std::abort();
}

}  // namespace rapport
