// The customer view as a person reads it, on a terminal of 100 columns.
#pragma once

#include "rapport/gateway/v1/view.pb.h"

namespace rapport {

void PrintView(const gateway::v1::CustomerView& view);

// Above all why the customer was found, below who else it may be.
void PrintFound(const gateway::v1::LookupCustomerViewResponse& found);

}  // namespace rapport
