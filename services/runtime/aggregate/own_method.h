// What a service answers beyond the standard methods and its aggregates' verbs: queries over its
// projections, and methods that are made of several of its own.
//
//   .own_methods = {Query(LookupCustomers), Flow<v1::UpsertCustomerRequest>(UpsertCustomer)}
//
//   absl::StatusOr<v1::LookupCustomersResponse> LookupCustomers(
//       const v1::LookupCustomersRequest& request, const Projections& rows);
//   void UpsertCustomer(Handler& service, CallPtr call);
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/runtime/rpc/call.h"
#include "services/runtime/store/store.h"

namespace rapport {

class Parts;

// The rows that a query may look at: of all partitions, but where its request has a `name` of that
// root's alone, which for reference data holds all of it. Confirmed state only; what is read one
// after another may be of different instants.
// Threads: any.
class Projections {
 public:
  // In the order of the partitions, or the one that is asked.
  Projections(std::vector<const Store*> stores, absl::Time now)
      : stores_(std::move(stores)), now_(now) {}

  // When the question is asked.
  absl::Time now() const { return now_; }

  // The names of at most `limit` resources whose field, an indexed one, has this value; deleted
  // ones too.
  absl::StatusOr<std::vector<std::string>> NamesWith(absl::string_view plural,
                                                     absl::string_view field,
                                                     absl::string_view value, size_t limit) const;

  // Nothing where there is no such resource.
  template <class Resource>
  absl::StatusOr<std::optional<Resource>> Find(absl::string_view plural,
                                               absl::string_view name) const {
    Resource resource;
    absl::StatusOr<bool> found = FindRow(plural, name, resource);
    if (!found.ok()) return found.status();
    return *found ? std::optional<Resource>(std::move(resource)) : std::nullopt;
  }

  // The names of at most `limit` resources that lie under `parent`, deleted ones too.
  absl::StatusOr<std::vector<std::string>> NamesUnder(absl::string_view plural,
                                                      absl::string_view parent, size_t limit) const;

 private:
  const Store& StoreOf(absl::string_view name) const;
  absl::StatusOr<bool> FindRow(absl::string_view plural, absl::string_view name,
                               google::protobuf::Message& row) const;

  const std::vector<const Store*> stores_;
  const absl::Time now_;
};

struct OwnMethod {
  const google::protobuf::Descriptor* request = nullptr;
  // One of the three. A query answers the serialised response; it looks at limited numbers of rows.
  std::function<absl::StatusOr<std::string>(const google::protobuf::Message&, const Projections&)>
      query;
  // The same from what is known of one root, the request's `name`, from all logs (join.h).
  absl::StatusOr<std::string> (*root_query)(const google::protobuf::Message&,
                                            const Parts&) = nullptr;
  // A flow makes calls to the service and finishes its own call in the end. What it has done when
  // the process dies stays done: the same call, made again, must finish it.
  std::function<void(Handler& service, CallPtr call)> flow;
};

template <class Request, class Response>
OwnMethod Query(absl::StatusOr<Response> (*answer)(const Request&, const Projections&)) {
  return {.request = Request::descriptor(),
          .query = [answer](const google::protobuf::Message& request,
                            const Projections& rows) -> absl::StatusOr<std::string> {
            absl::StatusOr<Response> response = answer(static_cast<const Request&>(request), rows);
            if (!response.ok()) return response.status();
            return response->SerializeAsString();
          }};
}

template <class Request>
OwnMethod Flow(void (*flow)(Handler& service, CallPtr call)) {
  return {.request = Request::descriptor(), .flow = flow};
}

}  // namespace rapport
