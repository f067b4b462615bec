// One shard of a service over a FakeLog, with a client's view of it.
#pragma once

#include <gtest/gtest.h>

#include <map>

#include "rapport/accounts/v1/customer.pb.h"
#include "rapport/service/v1/case.pb.h"
#include "services/accounts/service.h"
#include "services/runtime/aggregate/shard.h"
#include "services/runtime/base/resource_name.h"
#include "services/runtime/store/keys.h"
#include "services/service/service.h"
#include "tests/support/wait.h"
#include "tests/unit/runtime/aggregate/fake_log.h"

namespace rapport {

// A reply that is on its way.
using PendingReply = std::shared_ptr<testing_support::Eventually<Reply>>;

template <class M>
M Parsed(const Reply& reply) {
  M message;
  EXPECT_TRUE(reply.status.ok()) << reply.status;
  EXPECT_TRUE(message.ParseFromString(reply.body));
  return message;
}

class ShardHarness {
 public:
  ShardHarness(ServiceSpec spec, FakeLog* log, ManualClock* clock,
               std::optional<TopicPartition> parents = std::nullopt,
               std::vector<JoinSpec> joins = {}, bool shared = false)
      : spec_(std::move(spec)), registry_(spec_.aggregates), log_(log), clock_(clock) {
    methods_ = *BuildMethods(spec_.rpc, registry_.types(), spec_.own_methods);
    store_ = *Store::Open(resources_, folder_.path() + "/live");
    std::vector<Join> of_store;
    for (JoinSpec& join : joins) {
      const TopicPartition source{"rapport." + join.service, 0};
      of_store.emplace_back(std::move(join), source, log_, store_.get());
    }
    shard_ = std::make_unique<Shard>(ShardOptions{
        .partition = partition(),
        .parents = parents,
        .parents_collection = "customers",
        .joins = std::move(of_store),
        .log = log_,
        .shared = shared,
        .store = store_.get(),
        .executor = executor_.get(),
        .clock = clock_,
        .registry = &registry_,
        .read_reference = [](const auto&, const auto&, auto*) -> const Message* { return nullptr; },
        .on_batch = [this](const BatchFigures& one) { Count(one); },
        .on_ownership = [this](const OwnershipFigures& one) { Count(one); }});
    shard_->Start();
  }
  ~ShardHarness() {
    Stop();
    // The log wakes the shard and the executor runs it: both end before it does.
    log_->ForgetWatchers();
    executor_.reset();
  }

  void Stop() {
    if (std::exchange(stopped_, true)) return;
    log_->Release();
    auto done = std::make_shared<testing_support::Eventually<bool>>();
    shard_->Stop([done] { done->Set(true); });
    done->Get();
  }

  // Waits until everything is done that the shard has to do on the executor now.
  void Settle() {
    auto first = std::make_shared<testing_support::Eventually<bool>>();
    auto second = std::make_shared<testing_support::Eventually<bool>>();
    // They meet when both threads are free of what came before.
    executor_->Submit([=] {
      first->Set(true);
      second->Get();
    });
    executor_->Submit([=] {
      second->Set(true);
      first->Get();
    });
    first->Get();
    second->Get();
  }

  TopicPartition partition() const { return {"rapport." + spec_.name, 0}; }
  Shard& shard() { return *shard_; }
  const Store& store() const { return *store_; }

  // What it told so far.
  struct Figures {
    int claims = 0;
    std::map<RecoveryReason, int> recoveries;
    size_t void_records = 0;
    std::vector<double> serve_seconds;
    std::vector<BatchFigures> batches;
  };
  Figures figures() const {
    std::lock_guard lock(figures_mutex_);
    return figures_;
  }

  // Sends a write as the service does.
  template <class Request>
  PendingReply Send(Request request, Offset parents_needed = 0) {
    auto reply = std::make_shared<testing_support::Eventually<Reply>>();
    Command command{.call = std::make_unique<rapport::Call>(), .parents_needed = parents_needed};
    for (const auto& [descriptor, method] : methods_) {
      if (descriptor->input_type() == Request::descriptor()) command.method = &method;
    }
    command.request_id = request.request_id();
    command.request_id_given = !request.request_id().empty();
    if (!command.request_id_given) command.request_id = absl::StrCat("made-", ++last_request_id_);
    command.validate_only = request.validate_only();
    request.clear_request_id();
    request.clear_validate_only();
    command.request_hash = SerializeDeterministic(request);
    NameTarget(request, &command);
    command.root = command.root.empty() ? std::string(RootOf(command.name)) : command.root;
    auto* on_arena = google::protobuf::Arena::CreateMessage<Request>(&command.call->arena);
    on_arena->Swap(&request);
    command.call->request = on_arena;
    command.call->method = command.method->descriptor;
    command.call->done = [reply](Reply answer) {
      EXPECT_FALSE(reply->IsSet()) << "a call was answered twice";
      reply->Set(std::move(answer));
    };
    shard_->Submit(std::move(command));
    return reply;
  }

  // Sends and waits for whatever comes, once the shard serves.
  template <class Request>
  Reply Call(const Request& request, Offset parents_needed = 0) {
    Serve();
    return Send(request, parents_needed)->Get();
  }

  // As a patient client: repeats under the same request id until somebody knows.
  template <class Request>
  Reply CallUntilKnown(const Request& request) {
    while (true) {
      Reply reply = Call(request);
      if (!absl::IsUnavailable(reply.status) && !absl::IsResourceExhausted(reply.status)) {
        return reply;
      }
    }
  }

  // Lets time pass until the shard serves.
  void Serve() {
    ASSERT_TRUE(testing_support::WaitUntil([&] {
      if (shard_->state() == Shard::State::kServing) return true;
      clock_->Advance(absl::Milliseconds(50));
      shard_->Tick();
      return false;
    })) << shard_->trouble();
  }

  // Everything that the projection holds, except how far it has come.
  static std::map<std::string, std::string> Dump(const Store& store) {
    std::map<std::string, std::string> rows;
    auto walk = store.NewIterator();
    for (walk->SeekToFirst(); walk->Valid(); walk->Next()) {
      if (walk->key().starts_with("M")) continue;
      rows[walk->key().ToString()] = walk->value().ToString();
    }
    return rows;
  }

  // The projection folded from the log alone.
  std::map<std::string, std::string> Rebuilt() {
    auto store = *Store::Open(resources_, absl::StrCat(folder_.path(), "/", ++rebuilds_));
    Overlay overlay(*store, registry_);
    for (const auto& record : log_->Valid(partition())) {
      if (record.kind() == log::v1::Record::CLAIM) continue;
      EXPECT_TRUE(overlay.Apply(record, record.SerializeAsString()).ok());
    }
    EXPECT_TRUE(overlay.WriteTo(*store, {}).ok());
    return Dump(*store);
  }

 private:
  void Count(const OwnershipFigures& one) {
    std::lock_guard lock(figures_mutex_);
    figures_.claims += one.claims;
    if (one.recovery) ++figures_.recoveries[*one.recovery];
    figures_.void_records += one.void_records;
    if (one.serve_seconds) figures_.serve_seconds.push_back(*one.serve_seconds);
  }
  void Count(const BatchFigures& one) {
    std::lock_guard lock(figures_mutex_);
    figures_.batches.push_back(one);
  }

  template <class Request>
  static void NameTarget(const Request& request, Command* command) {
    if constexpr (requires { request.parent(); }) {
      command->root = request.parent();
      if (!request.case_id().empty()) {
        command->name = absl::StrCat(request.parent(), "/cases/", request.case_id());
      }
    } else if constexpr (requires { request.customer_id(); }) {
      command->name = "customers/" + request.customer_id();
    } else {
      command->name = request.name();
    }
  }

  mutable std::mutex figures_mutex_;
  Figures figures_;
  const ServiceSpec spec_;
  Registry registry_;
  MethodTable methods_;
  FakeLog* const log_;
  ManualClock* const clock_;
  testing_support::TempFolder folder_;
  StoreResources resources_{4 << 20, 16 << 20};
  std::unique_ptr<Store> store_;
  std::unique_ptr<Executor> executor_ = std::make_unique<Executor>(2);
  std::unique_ptr<Shard> shard_;
  bool stopped_ = false;
  std::atomic<int> last_request_id_{0};
  int rebuilds_ = 0;
};

}  // namespace rapport
