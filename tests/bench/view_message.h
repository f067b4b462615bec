// The messages that benchmarks write and read.
#pragma once

#include "absl/strings/str_cat.h"
#include "rapport/gateway/v1/view.pb.h"
#include "rapport/sales/v1/order.pb.h"

namespace rapport::rest {

template <typename Resource>
void FillCommon(Resource* resource, absl::string_view collection, int i) {
  resource->set_name(
      absl::StrCat("customers/c0012345/", collection, "/01jd9k2m3n4p5q6r7s8t9v0w", i));
  resource->set_etag("AAAAAAAAB1c");
  resource->set_uid("9f86d081-884c-7d65-9a2f-eaa0c55ad015");
  resource->mutable_create_time()->set_seconds(1'795'300'000 + i);
  resource->mutable_create_time()->set_nanos(123'456'000);
  resource->mutable_update_time()->set_seconds(1'795'310'000 + i);
  resource->mutable_occur_time()->set_seconds(1'795'200'000 + i);
}

inline void SetMoney(google::type::Money* money, int64_t units) {
  money->set_currency_code("EUR");
  money->set_units(units);
  money->set_nanos(990'000'000);
}

inline sales::v1::Order MakeOrder(int i) {
  sales::v1::Order order;
  FillCommon(&order, "orders", i);
  order.set_state(sales::v1::Order::FULFILLED);
  for (int line = 0; line < 2; ++line) {
    auto* entry = order.add_lines();
    entry->set_product(absl::StrCat("products/sku-", 1000 + line));
    entry->mutable_quantity()->set_value("2");
    SetMoney(entry->mutable_amount(), 19 + line);
  }
  SetMoney(order.mutable_total(), 39);
  order.set_sales_point("shop-12");
  return order;
}

// 40 resources beside the customer, about 16 KB of JSON.
inline gateway::v1::CustomerView MakeView() {
  gateway::v1::CustomerView view;
  view.set_name("customers/c0012345/view");
  FillCommon(view.mutable_customer(), "", 0);
  view.mutable_customer()->set_display_name("Jürgen Müller");
  (*view.mutable_customer()->mutable_labels())["tier"] = "gold";
  (*view.mutable_customer()->mutable_labels())["region"] = "south";
  for (int i = 0; i < 10; ++i) *view.add_orders() = MakeOrder(i);
  for (int i = 0; i < 8; ++i) {
    auto* item = view.add_cases();
    FillCommon(item, "cases", i);
    item->set_priority(service::v1::Case::HIGH);
  }
  for (int i = 0; i < 14; ++i) {
    auto* item = view.add_interactions();
    FillCommon(item, "interactions", i);
    item->set_channel(service::v1::Interaction::EMAIL);
    item->set_summary("Asked when the second parcel will come; told her on Thursday.");
    item->mutable_sentiment()->set_value(0.25);
    item->mutable_sentiment()->set_source("survey");
  }
  for (int i = 0; i < 4; ++i) {
    FillCommon(view.add_campaigns()->mutable_membership(), "campaignMemberships", i);
    FillCommon(view.mutable_campaigns(i)->mutable_campaign(), "", i);
    view.mutable_campaigns(i)->mutable_campaign()->set_display_name("Spring fair");
  }
  return view;
}

}  // namespace rapport::rest
