// Service: how the customer is helped.
#pragma once

#include "services/runtime/aggregate/service.h"

namespace rapport::service {

ServiceSpec Spec();

}  // namespace rapport::service
