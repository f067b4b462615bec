#include "services/runtime/aggregate/list_order.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

std::vector<const FieldDescriptor*> OrdersOf(const AggregateType& type, ListedParents parents) {
  std::vector<const FieldDescriptor*> orders = {type.fields.name};
  if (parents == ListedParents::kOne) {
    orders.push_back(type.fields.occur_time);
    return orders;
  }
  for (const auto* field : type.indexed) {
    if (!field->is_repeated()) orders.push_back(field);
  }
  return orders;
}

}  // namespace

absl::StatusOr<ListOrder> ParseOrder(absl::string_view order_by, const AggregateType& type,
                                     ListedParents parents) {
  const std::vector<absl::string_view> words = absl::StrSplit(order_by, ' ', absl::SkipEmpty());
  if (words.empty()) return ListOrder{.field = type.fields.name};
  const std::vector<const FieldDescriptor*> orders = OrdersOf(type, parents);
  const bool descending = words.size() == 2 && words[1] == "desc";
  for (const auto* field : orders) {
    if (words.size() > 1 && !descending) break;
    if (words[0] == field->name() || words[0] == field->json_name()) {
      return ListOrder{.field = field, .descending = descending};
    }
  }
  const std::string kept = absl::StrJoin(
      orders, ", ", [](std::string* out, const auto* field) { out->append(field->name()); });
  return InvalidField(
      "order_by", absl::StrCat("\"", order_by, "\" is not an order that is kept here; use one of ",
                               kept, ", and \" desc\" behind it to turn it round"));
}

}  // namespace rapport
