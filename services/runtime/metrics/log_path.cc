#include "services/runtime/metrics/log_path.h"

#include <array>
#include <utility>

namespace rapport {
namespace {

// From a restart on an idle log to a long replay.
const prometheus::Histogram::BucketBoundaries kServeSeconds = {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                                               2.5,  5,     10,   30,  60,   300};

}  // namespace

LogPathMetrics::LogPathMetrics(std::shared_ptr<prometheus::Registry> registry)
    : registry_(std::move(registry)),
      claims_(AddCounter("rapport_claims_total", "Claims of partitions that the log took.")),
      recoveries_(AddCounter("rapport_recoveries_total",
                             "Times that a partition was begun anew, and why.")),
      void_records_(AddCounter("rapport_void_records_total",
                               "Records of own topics that were read and do not count.")),
      time_to_serve_(prometheus::BuildHistogram()
                         .Name("rapport_time_to_serve_seconds")
                         .Help("From wanting a partition, or losing it, to serving it.")
                         .Register(*registry_)),
      passed_on_(
          AddCounter("rapport_route_passed_on_total", "Calls sent to other instances, each try.")),
      not_owner_given_(AddCounter("rapport_route_not_owner_given_total",
                                  "Calls of other instances that came to the wrong one.")),
      not_owner_received_(AddCounter("rapport_route_not_owner_received_total",
                                     "Calls sent to an instance that is not the owner.")),
      waits_(AddCounter("rapport_route_waits_total",
                        "Times that a call waited for an owner to say where it is.")),
      gave_up_(AddCounter("rapport_route_gave_up_total",
                          "Calls refused because no owner was found in time.")) {}

prometheus::Family<prometheus::Counter>& LogPathMetrics::AddCounter(const char* name,
                                                                    const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(*registry_);
}

Ownership::Told LogPathMetrics::OfOwnership(const std::string& service) {
  const prometheus::Labels labels = {{"service", service}};
  std::array<prometheus::Counter*, kRecoveryReasons.size()> recoveries = {};
  for (size_t i = 0; i < recoveries.size(); ++i) {
    recoveries[i] = &recoveries_.Add({{"service", service}, {"reason", kRecoveryReasons[i]}});
  }
  return [registry = registry_, claims = &claims_.Add(labels), recoveries,
          void_records = &void_records_.Add(labels),
          time_to_serve =
              &time_to_serve_.Add(labels, kServeSeconds)](const OwnershipFigures& figures) {
    claims->Increment(figures.claims);
    if (figures.recovery) recoveries.at(static_cast<size_t>(*figures.recovery))->Increment();
    void_records->Increment(static_cast<double>(figures.void_records));
    if (figures.serve_seconds) time_to_serve->Observe(*figures.serve_seconds);
  };
}

std::function<void(const RouteFigures&)> LogPathMetrics::OfRoutes(const std::string& service) {
  const prometheus::Labels labels = {{"service", service}};
  return
      [registry = registry_, passed_on = &passed_on_.Add(labels),
       given = &not_owner_given_.Add(labels), received = &not_owner_received_.Add(labels),
       waits = &waits_.Add(labels), gave_up = &gave_up_.Add(labels)](const RouteFigures& figures) {
        passed_on->Increment(figures.passed_on);
        given->Increment(figures.not_owner_given);
        received->Increment(figures.not_owner_received);
        waits->Increment(figures.waited);
        gave_up->Increment(figures.gave_up);
      };
}

}  // namespace rapport
