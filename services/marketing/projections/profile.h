// A customer's profile: folds of the four services' facts, and the figures that are put together
// from them.
//
// Whatever a resource counts for is noted beside the sums, so that what changes it later takes the
// old away and adds the new. Sums that leave the range of Money stay as they are.
#pragma once

#include "services/runtime/aggregate/service.h"

namespace rapport::marketing {

std::vector<JoinSpec> ProfileJoins();

// Answers GetCustomerProfile.
absl::StatusOr<std::string> ReadProfile(const Message& request, const Parts& parts);

}  // namespace rapport::marketing
