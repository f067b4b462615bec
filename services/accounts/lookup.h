// Number in, customers out: who is meant by what a caller shows.
//
// Threads: any.
#pragma once

#include "rapport/accounts/v1/lookup.pb.h"
#include "services/runtime/aggregate/own_method.h"

namespace rapport::accounts {

// INVALID_ARGUMENT where none or several kinds are asked for, or what is asked for cannot be one.
absl::StatusOr<v1::LookupCustomersResponse> LookupCustomers(
    const v1::LookupCustomersRequest& request, const Projections& rows);

}  // namespace rapport::accounts
