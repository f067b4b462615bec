// Any method, path, query and JSON body: refused with a status of HTTP, or a request that is what
// it is read as again.
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "gateway/rest/json.h"
#include "gateway/rest/rest_call.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/runtime/aggregate/shape.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/status.h"

namespace {

const rapport::rest::Routes& AllRoutes() {
  static const auto* const routes = [] {
    std::vector<const google::protobuf::ServiceDescriptor*> services;
    for (const char* name : {"accounts.v1.Accounts", "sales.v1.Sales", "service.v1.Service",
                             "marketing.v1.Marketing", "gateway.v1.Gateway"}) {
      services.push_back(google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
          std::string("rapport.") + name));
    }
    return new rapport::rest::Routes(*rapport::rest::Routes::Build(services));
  }();
  return *routes;
}

}  // namespace

// "POST /v1/customers?customerId=a\n{…}".
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rapport;
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(input, absl::MaxSplits('\n', 1));
  const std::pair<absl::string_view, absl::string_view> line =
      absl::StrSplit(parts.first, absl::MaxSplits(' ', 1));
  const std::pair<absl::string_view, absl::string_view> target =
      absl::StrSplit(line.second, absl::MaxSplits('?', 1));
  const rest::PreparedCall prepared = rest::PrepareCall(AllRoutes(),
                                                        {.method = line.first,
                                                         .path = target.first,
                                                         .query = target.second,
                                                         .content_type = "application/json",
                                                         .body = parts.second},
                                                        absl::InfiniteFuture());
  if (prepared.call == nullptr) {
    Ensure(prepared.refusal.status >= 400 && prepared.refusal.status < 500,
           "what is refused is the caller's fault");
    return 0;
  }
  // A value out of its range (a Timestamp of any bytes) is refused by the shape, not by JSON.
  google::protobuf::Message& request = *prepared.call->request;
  if (!CheckShape(request, absl::ToUnixMicros(absl::Now())).ok()) return 0;
  std::string json;
  rest::AppendJson(request, &json);
  const auto again = NewMessage(request.GetDescriptor());
  const absl::Status read = rest::ParseJson(json, again.get());
  Ensure(read.ok(), read.message());
  Ensure(google::protobuf::util::MessageDifferencer::Equals(request, *again),
         "JSON that was written is read as the same");
  return 0;
}
