#include "services/sales/domain/sales_process.h"

#include <set>

#include "services/runtime/base/ids.h"

namespace rapport::sales {

absl::Status SalesProcessAggregate::Check(const v1::SalesProcess& after) {
  std::set<absl::string_view> ids;
  for (int i = 0; i < after.stages_size(); ++i) {
    const v1::SalesStage& stage = after.stages(i);
    const std::string field = absl::StrCat("sales_process.stages[", i, "]");
    if (!ValidId(stage.stage_id())) {
      return InvalidField(absl::StrCat(field, ".stage_id"),
                          "must be 1 to 63 lower-case letters, digits and inner hyphens");
    }
    if (!ids.insert(stage.stage_id()).second) {
      return InvalidField(absl::StrCat(field, ".stage_id"),
                          absl::StrCat("\"", stage.stage_id(), "\" appears twice"));
    }
    if (stage.probability_percent() < 0 || stage.probability_percent() > 100) {
      return InvalidField(absl::StrCat(field, ".probability_percent"), "must be 0 to 100");
    }
  }
  return absl::OkStatus();
}

}  // namespace rapport::sales
