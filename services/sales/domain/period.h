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

}  // namespace rapport::sales
