// What one customer is to another: the subject, under whom it lives, to the object.
#pragma once

#include "rapport/accounts/v1/relationship.pb.h"
#include "services/runtime/base/decision.h"

namespace rapport::accounts {

struct RelationshipAggregate {
  using State = v1::Relationship;
  using Event = v1::RelationshipEvent;

  // Nobody is related to oneself; what ends does not end before it begins.
  static absl::Status Check(const State& after);
};

}  // namespace rapport::accounts
