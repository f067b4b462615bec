// Rapport in one process: the four services and the gateway, on the embedded log or on Kafka.
//
// Threads: Start and Stop from one; handler() from any between them.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gateway/gateway.h"
#include "services/allinone/backups.h"
#include "services/allinone/companions.h"
#include "services/allinone/operations.h"
#include "services/marketing/service.h"
#include "services/runtime/aggregate/service.h"
#include "services/runtime/base/disk_space.h"
#include "services/runtime/metrics/metrics.h"
#include "services/runtime/store/folder_lock.h"

namespace rapport {

struct NodeOptions {
  std::string data_dir;
  // By name. One that is added later finds what its log and those it follows hold by then. Without
  // accounts nobody knows which customers there are, and a child's customer is not checked.
  std::vector<std::string> services = {"accounts", "sales", "service", "marketing"};
  // Those that other programs upon the same Kafka run, and this one calls.
  std::vector<std::string> elsewhere;
  // Whether it answers for all services and for the gateway; otherwise for its own services.
  bool gateway = true;
  int partitions = 32;
  // Threads that decide and apply; transports have their own.
  int threads = 2;
  size_t cache_bytes = size_t{512} << 20;
  size_t memtable_bytes = size_t{512} << 20;
  uint64_t min_free_bytes = uint64_t{256} << 20;
  // Where the events are; none: in the data folder.
  std::optional<KafkaLogOptions> kafka;
  // Holds 32 bytes that instances upon one log have in common; empty: a file of the data folder,
  // made where there is none.
  std::string secret_file;
  // For calls to other instances; null: in plain text.
  std::shared_ptr<const Tls> tls;
  // An instance that ends and has companions serves on until they have taken over, at most for so
  // long.
  absl::Duration hand_over = absl::Seconds(10);
  // A task of a few milliseconds that runs for so long will never end: a disk that does not answer,
  // or a lock that nobody gives back.
  absl::Duration stuck_after = absl::Minutes(1);
  BackupOptions backups;
  Clock* clock = nullptr;  // the system's where null
  // Whether the process is to end, so that a start need not go on; never where empty.
  std::function<bool()> ended;
  marketing::Settings marketing;
};

class Node {
 public:
  explicit Node(NodeOptions options);
  ~Node();

  // Opens the data folder and returns when all partitions serve, or with Kafka are followed,
  // however long that takes. INVALID_ARGUMENT for a service that there is not; DEADLINE_EXCEEDED
  // where nothing moves for `patience`; CANCELLED where the process is to end.
  absl::Status Start(absl::Duration patience = absl::Seconds(60));
  // With Kafka: takes a share of the partitions, and returns when it is served. Others send calls
  // for them to `address`, this instance's gRPC; where it is empty, they cannot. Fails as Start.
  absl::Status Join(const std::string& address, absl::Duration patience = absl::Seconds(60));
  // Gives up rebuilds, and where there are companions the partitions; serves until these have been
  // claimed.
  void HandOver();
  // Hands over, finishes what is in flight and closes the folder.
  void Stop();

  // Answers every unary method of services() and peer_services().
  Handler& handler() { return front_; }
  bool Handles(const MethodDescriptor& method) const;
  std::vector<const ServiceDescriptor*> services() const;
  // What other instances and operators call, not clients.
  std::vector<const ServiceDescriptor*> peer_services() const;
  // Whether a service is answered, here or by others; the methods of those that are not are refused
  // with UNIMPLEMENTED.
  bool Installed(const ServiceDescriptor& service) const;
  Metrics& metrics() { return *metrics_; }
  // Runs a task later, to the tick. Dropped where the node stops first.
  void RunAfter(absl::Duration delay, absl::AnyInvocable<void()> task);
  // A data folder with all that there is now, in a folder that is there and empty.
  absl::Status BackUpTo(const std::string& folder) const;
  // OK where all partitions are served here or followed.
  absl::Status Health() const;
  // UNAVAILABLE where what decides and applies has stood still for `stuck_after`, which nothing but
  // a new start mends; a long catch-up is many short tasks. From Start's return until Stop.
  absl::Status Alive() const;
  // Partitions that this instance owns, of all services.
  int owned() const;

 private:
  absl::Status TakeFolder();
  absl::StatusOr<std::unique_ptr<EventLog>> OpenLog();
  absl::Status CheckServices() const;
  bool RunsHere(absl::string_view service) const;
  bool Installed(absl::string_view service) const;
  absl::StatusOr<Service*> StartService(ServiceSpec spec, const std::string& secret);
  // Returns when `health` is OK; fails as Start.
  absl::Status Await(const std::function<absl::Status()>& health, absl::Duration patience) const;
  decltype(ServiceOptions::ask_barrier) AskBarrier();
  void AddGauges(const Service& service);
  absl::StatusOr<Handler*> AnswererOf(const ServiceSpec& spec, Service* here);
  void Tick();
  absl::Status MayWrite() const;

  // What comes in: clients' calls are counted and go to the gateway.
  class Front : public Handler {
   public:
    explicit Front(Node* node) : node_(node) {}
    void Handle(CallPtr call) override;

   private:
    Node* const node_;
  };

  // What processes call; the gateway, once there is one.
  class Peers : public Handler {
   public:
    void Handle(CallPtr call) override;
    std::atomic<Handler*> gateway{nullptr};
  };

  NodeOptions options_;
  std::optional<FolderLock> lock_;
  // Of projections whose log is elsewhere; the embedded log looks itself.
  std::optional<DiskSpace> disk_;
  SystemClock system_clock_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<StoreResources> stores_;
  std::unique_ptr<Executor> executor_;
  Peers peers_;
  std::vector<std::unique_ptr<Service>> services_;
  std::unique_ptr<EventLog> log_;
  std::unique_ptr<Companions> companions_;  // on Kafka
  std::unique_ptr<Operations> operations_;
  std::unique_ptr<gateway::Gateway> gateway_;
  Front front_{this};
  std::unique_ptr<CountedHandler> counted_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::atomic<int64_t> ticked_nanos_{0};  // when the ticker last came round, by the steady clock
  std::vector<std::pair<absl::Time, absl::AnyInvocable<void()>>> later_;
  std::thread ticker_;
  std::unique_ptr<Backups> backups_;
};

// The specifications of the four services, in the order of their numbers.
std::vector<ServiceSpec> AllServices(const marketing::Settings& marketing = {});

}  // namespace rapport
