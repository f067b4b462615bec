#include "services/service/domain/asset.h"

#include "services/runtime/base/date.h"

namespace rapport::service {

using v1::Asset;
using v1::AssetEvent;

absl::Status AssetAggregate::Begin(Asset& created, const Context&) {
  created.set_state(Asset::ACTIVE);
  return absl::OkStatus();
}

absl::Status AssetAggregate::Check(const Asset& after) {
  if (after.has_purchase_date() && after.has_warranty_end_date() &&
      IsBefore(after.warranty_end_date(), after.purchase_date())) {
    return InvalidField("asset.warranty_end_date", "must not be before purchase_date");
  }
  return absl::OkStatus();
}

Decision<AssetEvent> AssetAggregate::Decide(const Asset& state,
                                            const v1::RetireAssetRequest& request, const Context&) {
  if (state.state() == Asset::RETIRED) return Nothing();
  AssetEvent event;
  event.mutable_retired()->set_reason(request.reason());
  return event;
}

void AssetAggregate::Evolve(Asset& state, const AssetEvent& event, const Facts& facts) {
  switch (event.event_case()) {
    case AssetEvent::kRetired:
      state.set_state(Asset::RETIRED);
      *state.mutable_retire_time() = facts.occur_time;
      state.set_retire_reason(event.retired().reason());
      break;
    case AssetEvent::kCreated:  // the runtime's
    case AssetEvent::kUpdated:
    case AssetEvent::kDeleted:
    case AssetEvent::kUndeleted:
    case AssetEvent::EVENT_NOT_SET:
      break;
  }
}

}  // namespace rapport::service
