#include "tools/rapportctl/rebuild_server.h"

#include <algorithm>
#include <future>

#include "services/runtime/aggregate/topics.h"
#include "services/runtime/base/status.h"
#include "services/runtime/rpc/ask.h"

namespace rapport {
namespace {

template <class Response, class Request>
absl::StatusOr<Response> AskServer(Handler& server, const char* method, const Request& request) {
  std::promise<Reply> answered;
  Ask<Request>(
      server, *Request::descriptor()->file()->service(0), method, {.actor = "rapportctl"},
      [&request](Request& sent) { sent = request; },
      [&answered](Reply reply) { answered.set_value(std::move(reply)); });
  const Reply reply = answered.get_future().get();
  RETURN_IF_ERROR(reply.status);
  Response response;
  if (!response.ParseFromString(reply.body)) {
    return absl::InternalError("the server's answer cannot be read; is it of another version?");
  }
  return response;
}

bool IsOf(const log::v1::Projection& projection, const std::string& service) {
  return projection.topic() == TopicOf(service) || projection.topic() == ReferenceTopicOf(service);
}

}  // namespace

absl::StatusOr<std::vector<log::v1::Projection>> ListProjections(
    Handler& server, const std::vector<std::string>& services) {
  ASSIGN_OR_RETURN(const auto listed,
                   AskServer<log::v1::ListProjectionsResponse>(server, "ListProjections",
                                                               log::v1::ListProjectionsRequest()));
  std::vector<log::v1::Projection> projections;
  for (const auto& one : listed.projections()) {
    const auto is_of = [&one](const std::string& service) { return IsOf(one, service); };
    if (services.empty() || std::any_of(services.begin(), services.end(), is_of)) {
      projections.push_back(one);
    }
  }
  return projections;
}

absl::StatusOr<int64_t> RebuildProjection(Handler& server, const log::v1::Projection& projection) {
  log::v1::RebuildProjectionRequest request;
  request.set_topic(projection.topic());
  request.set_partition(projection.partition());
  ASSIGN_OR_RETURN(const auto rebuilt, AskServer<log::v1::RebuildProjectionResponse>(
                                           server, "RebuildProjection", request));
  return rebuilt.records();
}

}  // namespace rapport
