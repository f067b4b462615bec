// The timeline: a customer's events of all services merged into one order, newest first.
#pragma once

#include "gateway/gateway.h"
#include "rapport/gateway/v1/view.pb.h"

namespace rapport::gateway {

// Events that one page may look at for a filter; a page that reaches it is short and has a token.
inline constexpr int kMaxTimelineScan = 20'000;

// Answers a ListTimelineRequest. The backends must outlive the call. Fails as a whole where one
// service cannot be read: a timeline with holes would be a wrong answer.
void ReadTimeline(const std::vector<Backend>& backends, absl::string_view secret, CallPtr call);

}  // namespace rapport::gateway
