#include "services/allinone/node.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "rapport/log/v1/owner.pb.h"
#include "services/accounts/service.h"
#include "services/allinone/secret.h"
#include "services/marketing/service.h"
#include "services/runtime/aggregate/await.h"
#include "services/sales/service.h"
#include "services/service/service.h"

namespace rapport {
namespace {

constexpr char kGatewayService[] = "rapport.gateway.v1.Gateway";
constexpr auto kTickPeriod = std::chrono::milliseconds(50);
// How often ownership is looked at by who waits for it.
constexpr absl::Duration kOwnershipPoll = absl::Milliseconds(5);

// What instances ask each other.
const ServiceDescriptor* OwnerService() {
  return log::v1::PassBarrierRequest::descriptor()->file()->service(0);
}

bool Contains(const std::vector<std::string>& names, absl::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::vector<ServiceSpec> AllServices(const marketing::Settings& marketing) {
  return {accounts::Spec(), sales::Spec(), service::Spec(), marketing::Spec(marketing)};
}

Node::Node(NodeOptions options) : options_(std::move(options)) {
  if (options_.clock == nullptr) options_.clock = &system_clock_;
}

Node::~Node() {
  Stop();
}

std::vector<const ServiceDescriptor*> Node::services() const {
  std::vector<const ServiceDescriptor*> answered;
  for (const auto& spec : AllServices()) {
    if (options_.gateway || RunsHere(spec.name)) answered.push_back(spec.rpc);
  }
  if (options_.gateway) {
    answered.push_back(
        google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(kGatewayService));
  }
  return answered;
}

std::vector<const ServiceDescriptor*> Node::peer_services() const {
  if (!options_.kafka) return {Operations::Rpc()};
  return {Operations::Rpc(), OwnerService()};
}

bool Node::Handles(const MethodDescriptor& method) const {
  return method.service() == OwnerService() || method.service() == Operations::Rpc() ||
         gateway_->Handles(method);
}

void Node::Front::Handle(CallPtr call) {
  const ServiceDescriptor* const service = call->method->service();
  Handler* to = node_->counted_.get();
  if (service == Operations::Rpc()) to = node_->operations_.get();
  if (service == OwnerService() && node_->companions_ != nullptr) to = &node_->companions_->owner();
  to->Handle(std::move(call));
}

bool Node::RunsHere(absl::string_view service) const {
  return Contains(options_.services, service);
}

bool Node::Installed(absl::string_view service) const {
  return RunsHere(service) || Contains(options_.elsewhere, service);
}

bool Node::Installed(const ServiceDescriptor& service) const {
  for (const auto& spec : AllServices()) {
    if (spec.rpc == &service) return Installed(spec.name);
  }
  return true;  // the gateway itself
}

absl::Status Node::CheckServices() const {
  std::vector<std::string> known;
  for (const auto& spec : AllServices()) known.push_back(spec.name);
  const std::string all = absl::StrJoin(known, ", ");
  for (const auto* names : {&options_.services, &options_.elsewhere}) {
    for (const std::string& name : *names) {
      if (Contains(known, name)) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("there is no service \"", name, "\"; there are ", all));
    }
  }
  for (const std::string& name : options_.elsewhere) {
    if (!options_.kafka) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " cannot be elsewhere: only events on Kafka are shared"));
    }
    if (!RunsHere(name)) continue;
    return absl::InvalidArgumentError(absl::StrCat(name, " is said to be here and elsewhere"));
  }
  if (!options_.services.empty() || !options_.elsewhere.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("no service is named; there are ", all));
}

absl::StatusOr<std::unique_ptr<EventLog>> Node::OpenLog() {
  if (options_.kafka) return OpenKafkaLog(*options_.kafka);
  return OpenEmbeddedLog({.path = options_.data_dir + "/log",
                          .min_free_bytes = options_.min_free_bytes,
                          .writers = options_.threads},
                         [this](const GroupCommit& commit) { metrics_->OnCommit(commit); });
}

// A gateway alone keeps nothing.
absl::Status Node::TakeFolder() {
  if (options_.data_dir.empty()) {
    if (options_.services.empty() && !options_.secret_file.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        "say --data, the folder of projections; a gateway alone can do with --secret-file");
  }
  std::error_code error;
  std::filesystem::create_directories(options_.data_dir, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("cannot make ", options_.data_dir, ": ", error.message()));
  }
  ASSIGN_OR_RETURN(lock_, FolderLock::Take(options_.data_dir));
  if (options_.kafka) disk_.emplace(options_.data_dir, options_.min_free_bytes);
  return absl::OkStatus();
}

absl::Status Node::Start(absl::Duration patience) {
  RETURN_IF_ERROR(CheckServices());
  RETURN_IF_ERROR(TakeFolder());
  ASSIGN_OR_RETURN(const std::string secret, LoadSecret(options_.data_dir, options_.secret_file));
  metrics_ = std::make_unique<Metrics>(services());
  stores_ = std::make_unique<StoreResources>(
      options_.cache_bytes, options_.memtable_bytes,
      [clock = options_.clock](absl::string_view key, absl::string_view value) {
        return MayForget(key, value, clock->Now());
      });
  executor_ = std::make_unique<Executor>(options_.threads);
  ASSIGN_OR_RETURN(log_, OpenLog());
  gateway::GatewayOptions gateway_options{.secret = secret};
  if (options_.kafka) {
    companions_ = std::make_unique<Companions>(*options_.kafka, options_.partitions, options_.clock,
                                               options_.tls);
    RETURN_IF_ERROR(companions_->FollowRoutes());
  }
  for (const auto& spec : AllServices(options_.marketing)) {
    gateway::Backend backend{.name = spec.name, .rpc = spec.rpc};
    Service* here = nullptr;
    if (RunsHere(spec.name)) {
      ASSIGN_OR_RETURN(here, StartService(spec, secret));
    }
    if (Installed(spec.name)) {
      ASSIGN_OR_RETURN(backend.handler, AnswererOf(spec, here));
    }
    gateway_options.backends.push_back(std::move(backend));
  }
  RETURN_IF_ERROR(Await(
      [this] {
        for (auto& service : services_) service->Tick();
        return Health();
      },
      patience));
  // Until now a program of another version could have gone on with its projections.
  for (auto& service : services_) RemoveOtherVersions(options_.data_dir, service->spec());
  std::vector<Service*> here;
  for (const auto& service : services_) here.push_back(service.get());
  operations_ = std::make_unique<Operations>(std::move(here));
  metrics_->AddGauge("rapport_rebuilt_projections",
                     "Projections that were rebuilt beside the live one, since the start.", "all",
                     [this] { return operations_->rebuilt(); });
  gateway_ = std::make_unique<gateway::Gateway>(std::move(gateway_options));
  peers_.gateway = gateway_.get();
  counted_ = std::make_unique<CountedHandler>(*gateway_, *metrics_);
  ticked_nanos_ = absl::ToUnixNanos(SteadyNow());
  ticker_ = std::thread([this] { Tick(); });
  if (!options_.backups.folder.empty()) {
    backups_ = std::make_unique<Backups>(
        options_.backups, [this](const std::string& folder) { return BackUpTo(folder); });
    metrics_->AddGauge(
        "rapport_newest_backup_timestamp_seconds",
        "When the newest whole backup was made; 0 where none was since the start.", "all", [this] {
          const absl::Time newest = backups_->newest();
          return newest == absl::InfinitePast() ? 0
                                                : absl::ToDoubleSeconds(newest - absl::UnixEpoch());
        });
  }
  return absl::OkStatus();
}

// Projections first: the log, copied later, holds what they do and more.
absl::Status Node::BackUpTo(const std::string& folder) const {
  for (const auto& service : services_) RETURN_IF_ERROR(service->CopyTo(folder));
  RETURN_IF_ERROR(log_->CopyTo(folder + "/log"));
  if (!options_.secret_file.empty()) return absl::OkStatus();
  std::error_code error;
  std::filesystem::copy_file(options_.data_dir + "/secret", folder + "/secret", error);
  if (!error) return absl::OkStatus();
  return Unavailable(absl::StrCat("cannot copy the secret: ", error.message()));
}

// Where others may own what the service decides, the way to them comes before it.
absl::StatusOr<Handler*> Node::AnswererOf(const ServiceSpec& spec, Service* here) {
  // Zeros where nobody else is asked: a dashboard knows them all the same.
  auto on_routed = metrics_->log_path().OfRoutes(spec.name);
  if (companions_ == nullptr) return here;
  return companions_->RouterFor(spec, here, std::move(on_routed));
}

void Node::Peers::Handle(CallPtr call) {
  Handler* to = gateway.load();
  if (to == nullptr) return Finish(std::move(call), Unavailable("starting"));
  to->Handle(std::move(call));
}

decltype(ServiceOptions::ask_barrier) Node::AskBarrier() {
  if (companions_ == nullptr) return nullptr;
  return [this](const TopicPartition& partition, absl::Time deadline, BarrierDone done) {
    companions_->AskBarrier(partition, deadline, std::move(done));
  };
}

absl::StatusOr<Service*> Node::StartService(ServiceSpec spec, const std::string& secret) {
  if (!Installed(spec.parents_service)) spec.parents_service.clear();
  ServiceOptions options{
      .data_dir = options_.data_dir,
      .partitions = options_.partitions,
      .log = log_.get(),
      .shared = options_.kafka.has_value(),
      .executor = executor_.get(),
      .clock = options_.clock,
      .stores = stores_.get(),
      .secret = secret,
      .on_batch = [this](const BatchFigures& figures) { metrics_->OnBatch(figures); },
      .on_ownership = metrics_->log_path().OfOwnership(spec.name),
      .on_owned =
          [this](const TopicPartition& partition, Offset claim) {
            if (companions_ != nullptr) companions_->OnOwned(partition, claim);
          },
      .ask_barrier = AskBarrier(),
      .peers = &peers_,
      .on_acted = [this](const std::string& process,
                         const ProcessFigures& figures) { metrics_->OnProcess(process, figures); },
      .may_write = [this] { return MayWrite(); },
      .ended = options_.ended};
  services_.push_back(std::make_unique<Service>(std::move(spec), std::move(options)));
  Service* service = services_.back().get();
  RETURN_IF_ERROR(service->Start());
  AddGauges(*service);
  return service;
}

void Node::AddGauges(const Service& service) {
  const auto add = [&](const char* name, const char* help, auto value) {
    metrics_->AddGauge(name, help, service.spec().name,
                       [value, &service] { return static_cast<double>(value(service)); });
  };
  add("rapport_queued_commands", "Commands that wait for their batch.",
      [](const Service& of) { return of.queued(); });
  add("rapport_replaced_projections",
      "Projections that were damaged and begun anew, since the start.",
      [](const Service& of) { return of.replaced_projections(); });
  add("rapport_serving", "1 where all partitions serve.",
      [](const Service& of) { return of.Health().ok() ? 1 : 0; });
  add("rapport_partitions", "Partitions that there are to own, by whichever instance.",
      [](const Service& of) { return of.partitions(); });
  add("rapport_owned_partitions", "Partitions that this instance owns.",
      [](const Service& of) { return of.owned(); });
  add("rapport_lag_records", "Records of partitions not served here that are not applied yet.",
      [](const Service& of) { return of.lag().sum; });
  add("rapport_lag_max_records", "Those of the partition that has most of them.",
      [](const Service& of) { return of.lag().max; });
}

absl::Status Node::Join(const std::string& address, absl::Duration patience) {
  if (companions_ == nullptr) return absl::OkStatus();
  for (const auto& service : services_) RETURN_IF_ERROR(companions_->Join(*service, address));
  return Await(
      [this] {
        return companions_->joined() ? Health()
                                     : Unavailable("Kafka has not yet shared out the partitions");
      },
      patience);
}

absl::Status Node::Await(const std::function<absl::Status()>& health,
                         absl::Duration patience) const {
  const auto moved = [this] {
    int64_t moved = 0;
    for (const auto& service : services_) moved += service->moved();
    return moved;
  };
  return AwaitHealth({.what = "this instance",
                      .health = health,
                      .moved = moved,
                      .ended = options_.ended,
                      .patience = patience});
}

// Companions hear of it at once, and claim; until then this instance serves on.
void Node::HandOver() {
  if (operations_ != nullptr) operations_->End();
  if (companions_ == nullptr) return;
  const bool others = companions_->Leave();
  const absl::Time deadline = SteadyNow() + options_.hand_over;
  while (others && owned() > 0 && SteadyNow() < deadline) absl::SleepFor(kOwnershipPoll);
}

int Node::owned() const {
  int owned = 0;
  for (const auto& service : services_) owned += service->owned();
  return owned;
}

void Node::Tick() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kTickPeriod, [this] { return stopping_; })) {
    ticked_nanos_ = absl::ToUnixNanos(SteadyNow());
    if (disk_) disk_->Look();
    for (auto& service : services_) service->Tick();
    if (companions_ != nullptr) companions_->Tick();
    const auto due = std::partition(later_.begin(), later_.end(),
                                    [now = SteadyNow()](auto& task) { return task.first > now; });
    for (auto task = due; task != later_.end(); ++task) executor_->Submit(std::move(task->second));
    later_.erase(due, later_.end());
  }
}

// What others write is applied all the same, so that this instance must have room for it.
absl::Status Node::MayWrite() const {
  if (!disk_ || !disk_->full()) return absl::OkStatus();
  return Overloaded(absl::StrCat("the disk is full: less than ", options_.min_free_bytes,
                                 " bytes are free for projections; nothing was written"),
                    absl::Seconds(1));
}

void Node::RunAfter(absl::Duration delay, absl::AnyInvocable<void()> task) {
  std::lock_guard lock(mutex_);
  if (!stopping_) later_.emplace_back(SteadyNow() + delay, std::move(task));
}

void Node::Stop() {
  if (backups_ != nullptr) backups_->Stop();
  HandOver();
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  wake_.notify_all();
  if (ticker_.joinable()) ticker_.join();
  // What waits for an owner is refused; nobody is asked any more.
  if (companions_ != nullptr) companions_->Stop();
  for (auto& service : services_) service->Stop();
  // A scrape asks shards and the log, the log completes and wakes shards, the executor runs them:
  // all end before the shards do. The log's last completions were awaited by the services; its
  // commits and what others still answer are counted.
  if (metrics_ != nullptr) metrics_->StopListening();
  operations_.reset();
  log_.reset();
  executor_.reset();
  companions_.reset();
  metrics_.reset();
  services_.clear();
  lock_.reset();
}

absl::Status Node::Health() const {
  for (const auto& service : services_) RETURN_IF_ERROR(service->Health());
  return absl::OkStatus();
}

absl::Status Node::Alive() const {
  const auto check = [this](const char* what, absl::Duration stands) -> absl::Status {
    if (stands < options_.stuck_after) return absl::OkStatus();
    return Unavailable(
        absl::StrCat(what, " has stood still for ", absl::ToInt64Seconds(stands), " s"));
  };
  RETURN_IF_ERROR(check("a thread that decides and applies", executor_->longest()));
  return check("the ticker", SteadyNow() - absl::FromUnixNanos(ticked_nanos_));
}

}  // namespace rapport
