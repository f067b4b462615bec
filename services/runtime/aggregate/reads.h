// Get, List, ListEvents and ListRefusedReactions over projections.
//
// Answers are put together from the rows' stored bytes; a row is parsed only where a filter or a
// read mask asks for its fields.
// Threads: any; each read sees one consistent state of each partition.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "rapport/log/v1/history.pb.h"
#include "rapport/log/v1/refused.pb.h"
#include "services/runtime/aggregate/method.h"
#include "services/runtime/aggregate/overlay.h"
#include "services/runtime/aggregate/pager.h"

namespace rapport {

struct ListQuery {
  const Method* method = nullptr;
  const Message* request = nullptr;
  // The projections that may hold rows: one, or all partitions' for a parent of "-".
  std::vector<const Store*> stores;
  absl::string_view token_key;  // signs page tokens
};

// The serialised response. NOT_FOUND; INVALID_ARGUMENT on read_mask.
absl::StatusOr<std::string> ReadOne(const Method& method, const Message& request,
                                    const Store& store);

// The serialised response. INVALID_ARGUMENT on filter, order_by, page_token, page_size, read_mask.
absl::StatusOr<std::string> ReadList(const ListQuery& query);

absl::StatusOr<std::string> ReadEvents(const log::v1::ListEventsRequest& request,
                                       const Store& store, const std::string& service);

// The serialised response. INVALID_ARGUMENT on filter, page_token, page_size.
absl::StatusOr<std::string> ReadRefused(const log::v1::ListRefusedReactionsRequest& request,
                                        const std::vector<const Store*>& stores,
                                        absl::string_view token_key);

}  // namespace rapport
