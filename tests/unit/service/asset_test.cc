#include "services/service/domain/asset.h"

#include "tests/unit/spec.h"

namespace rapport::service {
namespace {

using spec::At;
using spec::Given;
using v1::Asset;
using v1::AssetEvent;

AssetEvent Registered() {
  AssetEvent event;
  event.mutable_created()->mutable_asset()->set_product("products/pump-7");
  event.mutable_created()->mutable_asset()->set_state(Asset::ACTIVE);
  return event;
}
AssetEvent Retired(const std::string& reason) {
  AssetEvent event;
  event.mutable_retired()->set_reason(reason);
  return event;
}
v1::CreateAssetRequest Register() {
  v1::CreateAssetRequest request;
  request.mutable_asset()->set_product("products/pump-7");
  return request;
}
v1::RetireAssetRequest Retire(const std::string& reason) {
  v1::RetireAssetRequest request;
  request.set_reason(reason);
  return request;
}
google::type::Date Day(int year, int month, int day) {
  google::type::Date date;
  date.set_year(year);
  date.set_month(month);
  date.set_day(day);
  return date;
}

TEST(RegisterAsset, IsActive) {
  EXPECT_EQ(Given<AssetAggregate>().When(Register()).ThenState().state(), Asset::ACTIVE);
}

TEST(RegisterAsset, HasNoWarrantyThatEndsBeforeThePurchase) {
  v1::CreateAssetRequest request = Register();
  *request.mutable_asset()->mutable_purchase_date() = Day(2026, 3, 1);
  *request.mutable_asset()->mutable_warranty_end_date() = Day(2026, 3, 1);
  Given<AssetAggregate>().When(request).ThenState();
  *request.mutable_asset()->mutable_warranty_end_date() = Day(2026, 2, 28);
  Given<AssetAggregate>().When(request).ThenFails(absl::StatusCode::kInvalidArgument,
                                                  "asset.warranty_end_date");
}

TEST(RetireAsset, SaysWhyAndWhen) {
  const Asset state =
      Given<AssetAggregate>(Registered()).When(Retire("sold")).Then(Retired("sold"));
  EXPECT_EQ(state.state(), Asset::RETIRED);
  EXPECT_EQ(state.retire_reason(), "sold");
  EXPECT_EQ(state.retire_time().seconds(), At(1'000).seconds());
}

TEST(RetireAsset, AgainIsNothing) {
  Given<AssetAggregate>(Registered(), Retired("sold")).When(Retire("broken")).ThenNothing();
}

}  // namespace
}  // namespace rapport::service
