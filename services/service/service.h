// Service: how the customer is helped.
#pragma once

#include "services/runtime/aggregate/service_spec.h"

namespace rapport::service {

ServiceSpec Spec();

}  // namespace rapport::service
