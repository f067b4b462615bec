// Sales: what the customer buys.
#pragma once

#include "services/runtime/aggregate/service.h"

namespace rapport::sales {

ServiceSpec Spec();

}  // namespace rapport::sales
