// Counts of the way to the log and to its owners: claims, recoveries, void records, redirects.
//
// Each is there from the start, at 0, so that a first one is seen as an increase. Threads: any.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "prometheus/counter.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "services/runtime/aggregate/ownership.h"
#include "services/runtime/routing/router.h"

namespace rapport {

class LogPathMetrics {
 public:
  explicit LogPathMetrics(std::shared_ptr<prometheus::Registry> registry);

  // What is answered counts for this service, and may be called as long as somebody has it.
  Ownership::Told OfOwnership(const std::string& service);
  std::function<void(const RouteFigures&)> OfRoutes(const std::string& service);

 private:
  prometheus::Family<prometheus::Counter>& AddCounter(const char* name, const char* help);

  const std::shared_ptr<prometheus::Registry> registry_;
  prometheus::Family<prometheus::Counter>& claims_;
  prometheus::Family<prometheus::Counter>& recoveries_;
  prometheus::Family<prometheus::Counter>& void_records_;
  prometheus::Family<prometheus::Histogram>& time_to_serve_;
  prometheus::Family<prometheus::Counter>& passed_on_;
  prometheus::Family<prometheus::Counter>& not_owner_given_;
  prometheus::Family<prometheus::Counter>& not_owner_received_;
  prometheus::Family<prometheus::Counter>& waits_;
  prometheus::Family<prometheus::Counter>& gave_up_;
};

}  // namespace rapport
