// Marketing: what the customer is worth and is offered.
#pragma once

#include "services/runtime/aggregate/service.h"

namespace rapport::marketing {

ServiceSpec Spec();

}  // namespace rapport::marketing
