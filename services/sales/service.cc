#include "services/sales/service.h"

#include "rapport/sales/v1/product.pb.h"
#include "services/sales/domain/activity.h"
#include "services/sales/domain/opportunity.h"
#include "services/sales/domain/order.h"
#include "services/sales/domain/price.h"
#include "services/sales/domain/price_book.h"
#include "services/sales/domain/sales_process.h"
#include "services/sales/quote.h"

namespace rapport::sales {

ServiceSpec Spec() {
  return {.name = "sales",
          .number = 1,
          .rpc = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
              "rapport.sales.v1.Sales"),
          .aggregates = {Plain<v1::Product, v1::ProductEvent>(), Aggregate<OrderAggregate>(),
                         Aggregate<ActivityAggregate>(), Aggregate<PriceBookAggregate>(),
                         Aggregate<PriceAggregate>(), Aggregate<SalesProcessAggregate>(),
                         Aggregate<OpportunityAggregate>()},
          .own_methods = {Query(QuotePrice)},
          .parents_service = "accounts",
          .parents_collection = "customers"};
}

}  // namespace rapport::sales
