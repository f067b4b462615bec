// What a product costs in a price book, for a quantity and a time.
//
// Threads: any.
#pragma once

#include "rapport/sales/v1/quote.pb.h"
#include "services/runtime/aggregate/own_method.h"

namespace rapport::sales {

// NOT_FOUND where there is no such book or price, FAILED_PRECONDITION where it does not hold,
// INVALID_ARGUMENT for an unknown product or a quantity that cannot be sold.
absl::StatusOr<v1::QuotePriceResponse> QuotePrice(const v1::QuotePriceRequest& request,
                                                  const Projections& rows);

}  // namespace rapport::sales
