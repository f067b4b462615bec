// Where a customer is reached: kept in one form, so that whoever looks for a number or an address
// finds it however it is written.
#pragma once

#include "rapport/accounts/v1/contact_point.pb.h"
#include "services/runtime/base/decision.h"

namespace rapport::accounts {

struct ContactPointAggregate {
  using State = v1::ContactPoint;
  using Event = v1::ContactPointEvent;
  using Commands = Types<v1::VerifyContactPointRequest, v1::PreferContactPointRequest>;

  // Phones become E.164, e-mails are trimmed. Another address is not verified by the old one's
  // verification.
  static absl::Status Normalise(const State* before, State& after);
  // Preferred hours, where there are, are of a time zone that there is, and do not overlap.
  static absl::Status Check(const State& after);

  // Said again of the same time or an earlier one, both are nothing new.
  static Decision<Event> Decide(const State& state, const v1::VerifyContactPointRequest& request,
                                const Context& context);
  static Decision<Event> Decide(const State& state, const v1::PreferContactPointRequest& request,
                                const Context& context);

  static void Evolve(State& state, const Event& event, const Facts& facts);
};

}  // namespace rapport::accounts
