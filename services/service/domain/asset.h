// What a customer has of the enterprise and is served for, until it is retired.
#pragma once

#include "rapport/service/v1/asset.pb.h"
#include "services/runtime/base/decision.h"

namespace rapport::service {

struct AssetAggregate {
  using State = v1::Asset;
  using Event = v1::AssetEvent;
  using Commands = Types<v1::RetireAssetRequest>;

  static absl::Status Begin(State& created, const Context& context);
  // A warranty does not end before the purchase.
  static absl::Status Check(const State& after);

  // Said again, also with another reason, it is nothing new.
  static Decision<Event> Decide(const State& state, const v1::RetireAssetRequest& request,
                                const Context& context);

  static void Evolve(State& state, const Event& event, const Facts& facts);
};

}  // namespace rapport::service
