// The screen pop: from a caller's number to the customer view in one call.
#pragma once

#include "gateway/gateway.h"
#include "rapport/gateway/v1/view.pb.h"

namespace rapport::gateway {

// Answers a LookupCustomerViewRequest. The backends must outlive the call. UNIMPLEMENTED where
// accounts is not installed; what the look-up refuses is passed on.
void LookupCustomerView(const std::vector<Backend>& backends, CallPtr call);

}  // namespace rapport::gateway
