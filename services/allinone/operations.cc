#include "services/allinone/operations.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "rapport/log/v1/projections.pb.h"
#include "services/runtime/base/log_line.h"

namespace rapport {
namespace {

log::v1::Projection::State ToProto(Shard::State state) {
  switch (state) {
    case Shard::State::kStarting:
      return log::v1::Projection::STARTING;
    case Shard::State::kServing:
      return log::v1::Projection::SERVING;
    case Shard::State::kRecovering:
      return log::v1::Projection::RECOVERING;
    case Shard::State::kFollowing:
      return log::v1::Projection::FOLLOWING;
  }
  return log::v1::Projection::STATE_UNSPECIFIED;
}

}  // namespace

Operations::~Operations() {
  End();
  if (rebuild_.joinable()) rebuild_.join();
}

const ServiceDescriptor* Operations::Rpc() {
  return log::v1::Projection::descriptor()->file()->service(0);
}

void Operations::Handle(CallPtr call) {
  if (call->method->input_type() == log::v1::ListProjectionsRequest::descriptor()) {
    return Finish(std::move(call), List());
  }
  Rebuild(std::move(call));
}

Reply Operations::List() const {
  log::v1::ListProjectionsResponse response;
  for (const Service* service : services_) {
    for (const ProjectionState& one : service->projections()) {
      log::v1::Projection& projection = *response.add_projections();
      projection.set_topic(one.partition.topic);
      projection.set_partition(one.partition.partition);
      projection.set_version(one.version);
      projection.set_state(ToProto(one.state));
      projection.set_applied_offset(one.applied);
      projection.set_known_end_offset(one.known_end);
    }
  }
  return Reply{.body = response.SerializeAsString()};
}

absl::StatusOr<std::pair<Service*, int>> Operations::Find(const std::string& topic,
                                                          int partition) const {
  for (Service* service : services_) {
    for (const ProjectionState& one : service->projections()) {
      if (one.partition.topic == topic && one.partition.partition == partition) {
        return std::pair(service, one.number);
      }
    }
  }
  return NotFound(absl::StrCat(topic, "/", partition),
                  "this instance has no such projection; ListProjections tells what it has");
}

void Operations::Rebuild(CallPtr call) {
  const auto& request = static_cast<const log::v1::RebuildProjectionRequest&>(*call->request);
  const auto found = Find(request.topic(), request.partition());
  if (!found.ok()) return Finish(std::move(call), found.status());
  std::unique_lock lock(mutex_);
  if (ended_) return Finish(std::move(call), ShuttingDown());
  if (rebuilding_) {
    return Finish(std::move(call), absl::AbortedError("another projection is being rebuilt here; "
                                                      "ask again when that is done"));
  }
  rebuilding_ = true;
  if (rebuild_.joinable()) rebuild_.join();  // is done
  rebuild_ = std::thread([this, call = std::move(call), found = *found]() mutable {
    const auto [service, partition] = found;
    const absl::Time begun = absl::Now();
    const absl::StatusOr<Offset> records =
        service->RebuildProjection(partition, [this] { return ended_.load(); });
    Log(records.ok() ? Level::kInfo : Level::kWarning, "projection_rebuilt",
        {{"service", service->spec().name},
         {"partition", absl::StrCat(partition)},
         {"records", absl::StrCat(records.value_or(0))},
         {"seconds", absl::StrCat(absl::ToDoubleSeconds(absl::Now() - begun))},
         {"status", records.status().ToString()}});
    if (records.ok()) ++rebuilt_;
    {
      std::lock_guard done(mutex_);
      rebuilding_ = false;
    }
    if (!records.ok()) return Finish(std::move(call), records.status());
    log::v1::RebuildProjectionResponse response;
    response.set_records(*records);
    Finish(std::move(call), Reply{.body = response.SerializeAsString()});
  });
}

}  // namespace rapport
