// Validity of prices and price books: from start_time on, until before end_time.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/runtime/base/status.h"
#include "services/runtime/base/time.h"

namespace rapport::sales {

// Where both ends are said, the period does not end before it starts. `field` is the resource's in
// the request: "price_book".
template <class Resource>
absl::Status CheckPeriod(const Resource& resource, absl::string_view field) {
  if (!resource.has_start_time() || !resource.has_end_time() ||
      ToMicros(resource.start_time()) < ToMicros(resource.end_time())) {
    return absl::OkStatus();
  }
  return InvalidField(absl::StrCat(field, ".end_time"), "must be after start_time");
}

template <class Resource>
bool IsValidAt(const Resource& resource, const google::protobuf::Timestamp& time) {
  const int64_t micros = ToMicros(time);
  return (!resource.has_start_time() || ToMicros(resource.start_time()) <= micros) &&
         (!resource.has_end_time() || micros < ToMicros(resource.end_time()));
}

// For people: "from 2026-01-01T00:00:00Z until before 2027-01-01T00:00:00Z".
template <class Resource>
std::string PeriodText(const Resource& resource) {
  const auto text = [](const char* word, const google::protobuf::Timestamp& time) {
    return absl::StrCat(
        word, " ",
        absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", FromTimestamp(time), absl::UTCTimeZone()));
  };
  if (!resource.has_end_time()) return text("from", resource.start_time());
  const std::string end = text("until before", resource.end_time());
  return resource.has_start_time() ? absl::StrCat(text("from", resource.start_time()), " ", end)
                                   : end;
}

}  // namespace rapport::sales
