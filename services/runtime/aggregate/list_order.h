// The orders in which a List can answer: those that a table is kept in.
//
// Threads: pure functions.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/runtime/aggregate/aggregate.h"

namespace rapport {

struct ListOrder {
  const FieldDescriptor* field = nullptr;  // name, occur_time, or one of the type's indexed ones
  bool descending = false;
};

enum class ListedParents { kOne, kAll };

// `order_by` of AIP-132 with one field, in either spelling: "owner", "occurTime desc"; empty is by
// name. Always: name. Under one parent: occur_time. Of a whole collection: each indexed field that
// is no list, rows with equal values by name. INVALID_ARGUMENT on "order_by" names what there is.
absl::StatusOr<ListOrder> ParseOrder(absl::string_view order_by, const AggregateType& type,
                                     ListedParents parents);

}  // namespace rapport
