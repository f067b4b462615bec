#include "gateway/gateway.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gateway/view/backends.h"
#include "gateway/view/lookup_view.h"
#include "gateway/view/timeline.h"
#include "gateway/view/view.h"
#include "services/runtime/aggregate/shape.h"

namespace rapport::gateway {

Gateway::Gateway(GatewayOptions options) : secret_(std::move(options.secret)) {
  for (const auto& backend : options.backends) {
    routes_[backend.rpc] = backend;
    if (backend.handler != nullptr) installed_.push_back(backend);
  }
}

bool Gateway::Handles(const google::protobuf::MethodDescriptor& method) const {
  const auto* type = method.input_type();
  return routes_.contains(method.service()) || type == v1::GetCustomerViewRequest::descriptor() ||
         type == v1::LookupCustomerViewRequest::descriptor() ||
         type == v1::ListTimelineRequest::descriptor();
}

void Gateway::Handle(CallPtr call) {
  if (const auto route = routes_.find(call->method->service()); route != routes_.end()) {
    const Backend& backend = route->second;
    if (backend.handler != nullptr) return backend.handler->Handle(std::move(call));
    return Finish(std::move(call), NotInstalled(backend.name));
  }
  if (const absl::Status shape = CheckShape(*call->request, absl::ToUnixMicros(absl::Now()));
      !shape.ok()) {
    return Finish(std::move(call), shape);
  }
  const auto* type = call->method->input_type();
  if (type == v1::GetCustomerViewRequest::descriptor()) {
    return ReadCustomerView(installed_, std::move(call));
  }
  if (type == v1::LookupCustomerViewRequest::descriptor()) {
    return LookupCustomerView(installed_, std::move(call));
  }
  if (type == v1::ListTimelineRequest::descriptor()) {
    return ReadTimeline(installed_, secret_, std::move(call));
  }
  const std::string name = call->method->full_name();
  Finish(std::move(call), absl::UnimplementedError(absl::StrCat(name, " is not answered here")));
}

}  // namespace rapport::gateway
