#include "services/runtime/metrics/metrics.h"

#include <array>
#include <chrono>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "prometheus/counter.h"
#include "prometheus/exposer.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "services/runtime/base/status.h"
#include "services/runtime/metrics/call_log.h"

namespace rapport {
namespace {

using SteadyClock = std::chrono::steady_clock;
using prometheus::Histogram;

// From a read out of memory to a client's patience.
const Histogram::BucketBoundaries kSeconds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                              0.025,  0.05,    0.1,    0.25,  0.5,    1,     2.5};
const Histogram::BucketBoundaries kCounts = {1, 2, 4, 8, 16, 32, 64, 128, 256};
constexpr int kCodes = 17;

const char* CodeName(int code) {
  constexpr std::array<const char*, kCodes> names = {"OK",
                                                     "CANCELLED",
                                                     "UNKNOWN",
                                                     "INVALID_ARGUMENT",
                                                     "DEADLINE_EXCEEDED",
                                                     "NOT_FOUND",
                                                     "ALREADY_EXISTS",
                                                     "PERMISSION_DENIED",
                                                     "RESOURCE_EXHAUSTED",
                                                     "FAILED_PRECONDITION",
                                                     "ABORTED",
                                                     "OUT_OF_RANGE",
                                                     "UNIMPLEMENTED",
                                                     "INTERNAL",
                                                     "UNAVAILABLE",
                                                     "DATA_LOSS",
                                                     "UNAUTHENTICATED"};
  return names[code];
}

struct MethodFigures {
  // Of the request; null where it has none.
  const google::protobuf::FieldDescriptor* request_id = nullptr;
  Histogram* seconds = nullptr;
  std::array<prometheus::Counter*, kCodes> by_code = {};
};

struct GaugeSource {
  prometheus::Gauge* gauge;
  std::function<double()> value;
};

}  // namespace

struct Metrics::State {
  std::shared_ptr<prometheus::Registry> registry = std::make_shared<prometheus::Registry>();
  absl::flat_hash_map<const google::protobuf::MethodDescriptor*, MethodFigures> methods;
  Histogram* batch_commands;
  Histogram* batch_records;
  Histogram* batch_append;
  Histogram* batch_apply;
  Histogram* batch_acknowledge;
  Histogram* commit_seconds;
  Histogram* commit_records;
  prometheus::Counter* log_bytes;
  prometheus::Family<prometheus::Counter>* process_commands;
  LogPathMetrics log_path{registry};
  std::vector<GaugeSource> gauges;
  std::shared_ptr<prometheus::Collectable> scrape;  // the exposer keeps a weak reference
  std::unique_ptr<prometheus::Exposer> exposer;
};

namespace {

// Reads the gauges' sources at each scrape.
class Scrape : public prometheus::Collectable {
 public:
  explicit Scrape(Metrics::State& state) : state_(state) {}
  std::vector<prometheus::MetricFamily> Collect() const override {
    for (const auto& source : state_.gauges) source.gauge->Set(source.value());
    return state_.registry->Collect();
  }

 private:
  Metrics::State& state_;
};

Histogram* AddHistogram(prometheus::Registry& registry, const char* name, const char* help,
                        const Histogram::BucketBoundaries& buckets) {
  return &prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add({}, buckets);
}

}  // namespace

Metrics::Metrics(const std::vector<const ServiceDescriptor*>& services)
    : state_(std::make_unique<State>()) {
  auto& registry = *state_->registry;
  auto& seconds = prometheus::BuildHistogram()
                      .Name("rapport_call_duration_seconds")
                      .Help("From the transport's hand-over to the answer.")
                      .Register(registry);
  auto& calls = prometheus::BuildCounter()
                    .Name("rapport_calls_total")
                    .Help("Answered calls.")
                    .Register(registry);
  for (const auto* service : services) {
    for (int i = 0; i < service->method_count(); ++i) {
      const auto* method = service->method(i);
      auto& figures = state_->methods[method];
      figures.request_id = method->input_type()->FindFieldByName("request_id");
      const prometheus::Labels labels = {{"service", service->full_name()},
                                         {"method", method->name()}};
      figures.seconds = &seconds.Add(labels, kSeconds);
      for (int code = 0; code < kCodes; ++code) {
        prometheus::Labels with_code = labels;
        with_code["code"] = CodeName(code);
        figures.by_code[code] = &calls.Add(with_code);
      }
    }
  }
  state_->batch_commands =
      AddHistogram(registry, "rapport_batch_commands", "Commands of one shard's batch.", kCounts);
  state_->batch_records =
      AddHistogram(registry, "rapport_batch_records", "Records of one shard's batch.", kCounts);
  state_->batch_append = AddHistogram(registry, "rapport_batch_append_duration_seconds",
                                      "Until the log said durable.", kSeconds);
  state_->batch_apply = AddHistogram(registry, "rapport_batch_apply_duration_seconds",
                                     "Until the projection had it.", kSeconds);
  state_->batch_acknowledge =
      AddHistogram(registry, "rapport_batch_acknowledge_duration_seconds",
                   "From taking the commands until all are answered.", kSeconds);
  state_->commit_seconds = AddHistogram(registry, "rapport_log_commit_duration_seconds",
                                        "One group commit with its fsync.", kSeconds);
  state_->commit_records =
      AddHistogram(registry, "rapport_log_commit_records", "Records of one group commit.", kCounts);
  state_->log_bytes = &prometheus::BuildCounter()
                           .Name("rapport_log_bytes_total")
                           .Help("Bytes of records appended to the log.")
                           .Register(registry)
                           .Add({});
  state_->process_commands = &prometheus::BuildCounter()
                                  .Name("rapport_process_commands_total")
                                  .Help("Commands of processes, by what became of them.")
                                  .Register(registry);
}

Metrics::~Metrics() = default;

LogPathMetrics& Metrics::log_path() {
  return state_->log_path;
}

void Metrics::OnProcess(const std::string& process, const ProcessFigures& figures) {
  const auto count = [&](const char* outcome, size_t commands) {
    state_->process_commands->Add({{"process", process}, {"outcome", outcome}})
        .Increment(static_cast<double>(commands));
  };
  count("sent", figures.sent);
  count("refused", figures.refused);
}

absl::StatusOr<int> Metrics::Listen(const std::string& address) {
  try {
    state_->exposer = std::make_unique<prometheus::Exposer>(address, 1);
  } catch (const std::exception& error) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", address, " for metrics: ", error.what()));
  }
  state_->scrape = std::make_shared<Scrape>(*state_);
  state_->exposer->RegisterCollectable(state_->scrape);
  return state_->exposer->GetListeningPorts().at(0);
}

void Metrics::StopListening() {
  state_->exposer.reset();
}

void Metrics::Watch(Call& call) {
  const auto found = state_->methods.find(call.method);
  if (found == state_->methods.end()) return;
  // The call lives until `done` returns; its service takes the request id out of the request.
  const MethodFigures* found_figures = &found->second;
  std::string request_id;
  if (const auto* field = found_figures->request_id; field != nullptr) {
    request_id = call.request->GetReflection()->GetString(*call.request, field);
  }
  call.done = [figures = found_figures, begin = SteadyClock::now(), call = &call,
               request_id = std::move(request_id),
               done = std::move(call.done)](Reply reply) mutable {
    figures->seconds->Observe(std::chrono::duration<double>(SteadyClock::now() - begin).count());
    const int code = static_cast<int>(reply.status.code());
    if (code < kCodes) figures->by_code[code]->Increment();
    if (!reply.status.ok()) {
      reply.status = HideInternal(reply.status, call->metadata.traceparent,
                                  {{"method", call->method->full_name()},
                                   {"request_id", request_id},
                                   {"resource", ResourceOf(*call->request)}});
    }
    done(std::move(reply));
  };
}

void Metrics::OnBatch(const BatchFigures& figures) {
  state_->batch_commands->Observe(static_cast<double>(figures.commands));
  state_->batch_records->Observe(static_cast<double>(figures.records));
  state_->batch_acknowledge->Observe(figures.acknowledge_seconds);
  if (figures.records == 0) return;
  state_->batch_append->Observe(figures.append_seconds);
  state_->batch_apply->Observe(figures.apply_seconds);
}

void Metrics::OnCommit(const GroupCommit& commit) {
  state_->commit_seconds->Observe(commit.seconds);
  state_->commit_records->Observe(static_cast<double>(commit.records));
  state_->log_bytes->Increment(static_cast<double>(commit.bytes));
}

void Metrics::AddGauge(const std::string& name, const std::string& help, const std::string& service,
                       std::function<double()> value) {
  auto& gauge = prometheus::BuildGauge()
                    .Name(name)
                    .Help(help)
                    .Register(*state_->registry)
                    .Add({{"service", service}});
  state_->gauges.push_back({&gauge, std::move(value)});
}

}  // namespace rapport
