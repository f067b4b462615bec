// What a refusal says to programs.
#pragma once

#include <string>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "services/runtime/base/status.h"

namespace rapport::testing_support {

// The reason of the ErrorInfo, or the field of the BadRequest: "CASE_CLOSED", "case.subject".
inline std::string ReasonOf(const absl::Status& status) {
  const google::rpc::Status details = ToRpcStatus(status);
  for (const auto& detail : details.details()) {
    google::rpc::ErrorInfo info;
    if (detail.UnpackTo(&info)) return info.reason();
    google::rpc::BadRequest bad;
    if (detail.UnpackTo(&bad)) return bad.field_violations(0).field();
  }
  return "";
}

}  // namespace rapport::testing_support
