// Accounts: who the customer is.
#pragma once

#include "services/runtime/aggregate/service_spec.h"

namespace rapport::accounts {

ServiceSpec Spec();

}  // namespace rapport::accounts
