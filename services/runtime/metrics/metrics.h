// What operators see: counts and durations in Prometheus' text format, on a port of their own.
//
//   rapport_calls_total{service, method, code}       answered calls
//   rapport_call_duration_seconds{service, method}   from the transport's hand-over to the answer
//   rapport_batch_commands, rapport_batch_records    what one batch of a shard carried
//   rapport_batch_append_duration_seconds            until the log said durable
//   rapport_batch_apply_duration_seconds             until the projection had it
//   rapport_batch_acknowledge_duration_seconds       from taking commands until all are answered
//   rapport_log_commit_duration_seconds, rapport_log_commit_records, rapport_log_bytes_total
//   rapport_process_commands_total{process, outcome}  sent by processes: "sent", "refused" for good
//   rapport_queued_commands{service}, rapport_serving{service}
//   rapport_replaced_projections{service}            damaged ones, moved aside and rebuilt
//   rapport_rebuilt_projections                      by an operator, beside the live ones
//   rapport_partitions{service}, rapport_owned_partitions{service}  to own, by all; owned here
//   rapport_lag_records{service}, rapport_lag_max_records{service}  Service::lag: not applied yet
//     of own topics, of all partitions that are not served here, and of the one that has most; as
//     far as the log's end was heard of with the last fetch, so that who is cut off does not see it
//   rapport_claims_total{service}                    of partitions, those that the log took
//   rapport_recoveries_total{service, reason}        a partition is begun anew: "deposed",
//     "unavailable", "damaged", "internal" (ownership.h)
//   rapport_void_records_total{service}              read of own topics and passed by
//   rapport_time_to_serve_seconds{service}           from wanting a partition, or losing it
//   rapport_route_passed_on_total, rapport_route_not_owner_given_total,
//   rapport_route_not_owner_received_total, rapport_route_waits_total,
//   rapport_route_gave_up_total {service}            calls on their way to owners (router.h)
//
// Threads: all functions from any thread. Counting costs no look-up: what is counted per method is
// found once, at start.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "services/runtime/aggregate/process.h"
#include "services/runtime/log/embedded/embedded_log.h"
#include "services/runtime/metrics/log_path.h"
#include "services/runtime/rpc/call.h"

namespace rapport {

class Metrics {
 public:
  explicit Metrics(const std::vector<const ServiceDescriptor*>& services);
  ~Metrics();

  // Serves /metrics on host:port; 0 takes a free port. Returns the port.
  absl::StatusOr<int> Listen(const std::string& address);
  // Ends that: what gauges ask may be gone afterwards. Counting goes on.
  void StopListening();

  // Counts the call when it is answered, and hides what of an error is ours.
  void Watch(Call& call);
  void OnBatch(const BatchFigures& figures);
  void OnCommit(const GroupCommit& commit);
  void OnProcess(const std::string& process, const ProcessFigures& figures);
  // What becomes of partitions, and of calls on their way to owners.
  LogPathMetrics& log_path();
  // Set before Listen: asked at every scrape.
  void AddGauge(const std::string& name, const std::string& help, const std::string& service,
                std::function<double()> value);

  struct State;

 private:
  std::unique_ptr<State> state_;
};

// A handler in front of another that counts what passes.
class CountedHandler : public Handler {
 public:
  CountedHandler(Handler& behind, Metrics& metrics) : behind_(behind), metrics_(metrics) {}
  void Handle(CallPtr call) override {
    metrics_.Watch(*call);
    behind_.Handle(std::move(call));
  }

 private:
  Handler& behind_;
  Metrics& metrics_;
};

}  // namespace rapport
