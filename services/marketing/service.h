// Marketing: what the customer is worth and is offered.
#pragma once

#include "google/type/money.pb.h"
#include "services/runtime/aggregate/service_spec.h"

namespace rapport::marketing {

struct Settings {
  // Who has earned more than this and complains is called back; USD 500 where nothing is said.
  google::type::Money recovery_margin = [] {
    google::type::Money money;
    money.set_currency_code("USD");
    money.set_units(500);
    return money;
  }();
};

ServiceSpec Spec(const Settings& settings = {});

}  // namespace rapport::marketing
