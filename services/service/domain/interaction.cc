#include "services/service/domain/interaction.h"

namespace rapport::service {

absl::Status InteractionAggregate::Check(const v1::Interaction& after) {
  const double sentiment = after.sentiment().value();
  if (sentiment < -1 || sentiment > 1) {
    return InvalidField("interaction.sentiment.value", "must be between -1 and 1");
  }
  return absl::OkStatus();
}

}  // namespace rapport::service
