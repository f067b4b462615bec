// The standard writes (Create, Update, Delete, Undelete), and what every verb needs first: that
// its resource exists, lives and has the etag that the caller has seen. Generic over the messages.
// Pure, as a Decide is.
#pragma once

#include <functional>

#include "services/runtime/aggregate/method.h"

namespace rapport {

// By resource type ("rapport/Product"), among `aggregates`.
std::vector<ReferenceField> FindReferences(const Descriptor* resource,
                                           const std::vector<AggregateType>& aggregates);

// Whether a resource that is referred to exists and is not deleted.
using ReferenceExists =
    std::function<absl::StatusOr<bool>(const AggregateType& type, const std::string& name)>;

// INVALID_ARGUMENT naming the field and the resource that does not exist. `prefix` is the
// resource's field in the request: "order". Fields that are in `present` as they are in `resource`
// are not asked about: what an order refers to may have been deleted since. `present` may be null.
absl::Status CheckReferences(const Message& resource, const Message* present,
                             absl::string_view prefix,
                             const std::vector<ReferenceField>& references,
                             const ReferenceExists& exists);

// Decides a write. `state` is null where there is no such resource; `uid` is for one that is made.
// Writes the event and says whether there is one.
absl::StatusOr<bool> DecideWrite(const Method& method, const Message* state, const Message& request,
                                 const Context& context, const std::string& uid, Message* event);

// True where nothing was asked for, or the present etag. Quotes do not matter.
bool EtagMatches(absl::string_view asked, absl::string_view present);

}  // namespace rapport
