// What each RPC of a service does, read from its descriptor once at start.
//
// Standard methods are known by their request's name (CreateOrderRequest, ListOrdersRequest);
// verbs by the aggregate that decides them; a service's own by their request; ListEvents and
// ListRefusedReactions, which are the runtime's, by its type. Threads: a Method is immutable.
#pragma once

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "services/runtime/aggregate/aggregate.h"
#include "services/runtime/aggregate/own_method.h"

namespace rapport {

using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

struct Method {
  enum class Kind {
    kCreate,
    kUpdate,
    kDelete,
    kUndelete,
    kVerb,
    kGet,
    kList,
    kListEvents,
    kListRefused,
    kQuery,
    kRootQuery,
    kFlow
  };

  Kind kind = Kind::kGet;
  const MethodDescriptor* descriptor = nullptr;
  const AggregateType* aggregate = nullptr;  // null for the runtime's lists, queries, flows
  const CommandType* command = nullptr;      // verbs only
  const OwnMethod* own = nullptr;            // queries and flows only

  // Fields of the request; null where it has none.
  const FieldDescriptor* name = nullptr;
  const FieldDescriptor* parent = nullptr;
  const FieldDescriptor* id = nullptr;
  const FieldDescriptor* resource = nullptr;
  const FieldDescriptor* etag = nullptr;
  const FieldDescriptor* update_mask = nullptr;
  const FieldDescriptor* request_id = nullptr;
  const FieldDescriptor* validate_only = nullptr;
  const FieldDescriptor* occur_time = nullptr;

  bool writes() const { return kind < Kind::kGet; }
};

using MethodTable = absl::flat_hash_map<const MethodDescriptor*, Method>;

// FAILED_PRECONDITION naming the first method that nothing answers. The lists outlive the table.
absl::StatusOr<MethodTable> BuildMethods(const ServiceDescriptor* service,
                                         const std::vector<AggregateType>& aggregates,
                                         const std::vector<OwnMethod>& own_methods);

// A text of a request; empty where it has no such field.
std::string GetString(const Message& message, const FieldDescriptor* field);
// The pattern of a child's parent: "customers/{customer}".
std::string ParentPattern(const AggregateType& type);
// INVALID_ARGUMENT: a name that does not have the form of its pattern.
absl::Status BadName(absl::string_view field, absl::string_view name, absl::string_view pattern);

}  // namespace rapport
