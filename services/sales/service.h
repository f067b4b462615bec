// Sales: what the customer buys.
#pragma once

#include "services/runtime/aggregate/service_spec.h"

namespace rapport::sales {

ServiceSpec Spec();

}  // namespace rapport::sales
