#include "services/runtime/metrics/call_log.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/runtime/base/log_line.h"

namespace rapport {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Longer than any name of a resource; and the longest request id.
constexpr size_t kMaxNameCharacters = 512;
constexpr size_t kMaxRequestIdCharacters = 64;

std::string TextIn(const Message& message, const char* name) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr || field->is_repeated() || field->type() != FieldDescriptor::TYPE_STRING) {
    return "";
  }
  return message.GetReflection()->GetString(message, field);
}

// customers/h1/cases/c1; a parent may be "-".
bool IsName(absl::string_view text) {
  return text.size() <= kMaxNameCharacters && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '-' || c == '/';
         });
}

}  // namespace

std::string ResourceOf(const Message& request) {
  std::string name = TextIn(request, "name");
  if (name.empty()) name = TextIn(request, "parent");
  const auto* type = request.GetDescriptor();
  for (int i = 0; name.empty() && i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (field->is_repeated() || field->message_type() == nullptr) continue;
    name = TextIn(request.GetReflection()->GetMessage(request, field), "name");
  }
  return IsName(name) ? name : "";
}

std::string RequestIdOf(const Message& request) {
  std::string id = TextIn(request, "request_id");
  const bool printable = std::all_of(id.begin(), id.end(), absl::ascii_isgraph);
  return printable && id.size() <= kMaxRequestIdCharacters ? id : "";
}

void LoggedHandler::Handle(CallPtr call) {
  call->done = [method = call->method, begin = absl::Now(), resource = ResourceOf(*call->request),
                request_id = RequestIdOf(*call->request),
                trace_id = std::string(TraceIdOf(call->metadata.traceparent)),
                done = std::move(call->done)](Reply reply) mutable {
    Log(Level::kInfo, "call",
        {{"method", method->full_name()},
         {"code", absl::StatusCodeToString(reply.status.code())},
         {"duration_ms", absl::StrCat(absl::ToDoubleMilliseconds(absl::Now() - begin))},
         {"request_id", request_id},
         {"resource", resource},
         {"trace_id", trace_id},
         {"repeat", reply.repeat ? "true" : ""}});
    done(std::move(reply));
  };
  behind_.Handle(std::move(call));
}

}  // namespace rapport
