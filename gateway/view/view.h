// The single customer view: one call to each service, put together from their serialised answers.
#pragma once

#include "gateway/gateway.h"
#include "google/protobuf/field_mask.pb.h"
#include "rapport/gateway/v1/view.pb.h"

namespace rapport::gateway {

// Newest rows of each part.
inline constexpr int kViewOrders = 10;
inline constexpr int kViewCases = 10;
inline constexpr int kViewInteractions = 20;
inline constexpr int kViewCampaigns = 10;

// INVALID_ARGUMENT on read_mask unless it names fields of CustomerView.
absl::Status CheckViewMask(const google::protobuf::FieldMask& mask);

enum class DeletedCustomers { kShown, kNotFound };

// Answers a GetCustomerViewRequest. The backends must outlive the call.
void ReadCustomerView(const std::vector<Backend>& backends, CallPtr call,
                      DeletedCustomers deleted = DeletedCustomers::kShown);

}  // namespace rapport::gateway
