#include "services/sales/domain/sales_process.h"

#include "tests/unit/spec.h"

namespace rapport::sales {
namespace {

using spec::Given;
using v1::SalesProcess;

v1::CreateSalesProcessRequest Create(const std::vector<std::string>& stage_ids) {
  v1::CreateSalesProcessRequest request;
  for (const auto& id : stage_ids) {
    auto* stage = request.mutable_sales_process()->add_stages();
    stage->set_stage_id(id);
    stage->set_category(SalesProcess::PIPELINE);
  }
  return request;
}

void ExpectWrong(const v1::CreateSalesProcessRequest& request, const std::string& field) {
  Given<SalesProcessAggregate>().When(request).ThenFails(absl::StatusCode::kInvalidArgument, field);
}

TEST(CreateSalesProcess, KeepsItsStagesInTheirOrder) {
  const SalesProcess state =
      Given<SalesProcessAggregate>().When(Create({"lead", "demo", "bid"})).ThenState();
  ASSERT_EQ(state.stages_size(), 3);
  EXPECT_EQ(state.stages(1).stage_id(), "demo");
}

TEST(CreateSalesProcess, RefusesStagesThatCannotBeTold) {
  ExpectWrong(Create({"lead", "demo", "lead"}), "sales_process.stages[2].stage_id");
  ExpectWrong(Create({"lead", "The Demo"}), "sales_process.stages[1].stage_id");
}

TEST(CreateSalesProcess, RefusesWhatIsNoPercentage) {
  for (const int percent : {-1, 101}) {
    auto request = Create({"lead"});
    request.mutable_sales_process()->mutable_stages(0)->set_probability_percent(percent);
    ExpectWrong(request, "sales_process.stages[0].probability_percent");
  }
}

}  // namespace
}  // namespace rapport::sales
