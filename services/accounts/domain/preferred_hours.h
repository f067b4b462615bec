// When a customer likes to be reached: hours of the week in one time zone.
//
// Threads: any.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "rapport/accounts/v1/contact_point.pb.h"

namespace rapport::accounts {

// Whether the zone is one that this system knows, and no two hours of a day overlap. `field` is
// theirs in the request: "contact_point.preferred_hours".
absl::Status CheckPreferredHours(const v1::PreferredHours& preferred, absl::string_view field);

}  // namespace rapport::accounts
