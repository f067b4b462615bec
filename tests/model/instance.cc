#include "tests/model/instance.h"

#include "absl/strings/str_cat.h"
#include "services/runtime/base/messages.h"

namespace rapport::model {

Instance::Instance(const Product* product, Simulation* simulation, SimulatedLog* broker,
                   Break broken, absl::Duration skew, OnTimer on_timer)
    : product_(product),
      simulation_(simulation),
      broker_(broker),
      broken_(broken),
      on_timer_(std::move(on_timer)),
      clock_(simulation, skew),
      host_(simulation) {
  OpenStore();
}

void Instance::OpenStore() {
  auto db = std::make_unique<MemoryDb>();
  db_ = db.get();
  store_ = Store::Over(std::move(db));
}

void Instance::Start() {
  log_ = BreakLog(broken_, broker_->Connect(&host_), kPartition);
  executor_ = std::make_unique<Executor>(0);
  shard_ = std::make_unique<Shard>(
      ShardOptions{.partition = kPartition,
                   .parents = kParents,
                   .parents_collection = "customers",
                   .log = log_.get(),
                   .store = store_.get(),
                   .executor = executor_.get(),
                   .clock = &clock_,
                   .registry = &product_->registry(),
                   .read_reference = [](const auto&, const auto&, auto*) { return nullptr; },
                   .seed = simulation_->Draw()});
  timers_ = std::make_unique<Timers>(TimersOptions{.shard = shard_.get(),
                                                   .registry = &product_->registry(),
                                                   .methods = product_->timer_methods(),
                                                   .handler = this,
                                                   .clock = &clock_,
                                                   .executor = executor_.get()});
  shard_->Start();
}

void Instance::Crash(size_t writes_kept) {
  host_.Crash();
  timers_.reset();
  shard_.reset();
  executor_.reset();
  log_.reset();
  in_flight_.clear();
  const std::vector<std::string> writes = db_->writes();
  OpenStore();
  for (size_t i = 0; i < std::min(writes_kept, writes.size()); ++i) {
    rocksdb::WriteBatch batch(writes[i]);
    Ensure(store_->Write(&batch).ok(), "what was written can be written again");
  }
}

void Instance::Tick() {
  if (!up()) return;
  shard_->Tick();
  timers_->Tick();
}

void Instance::Barrier(absl::Time deadline, Waiters::Ready ready) {
  if (!up()) return;
  if (broken_ == Break::kStrongReadUnasked) return ready(absl::OkStatus());
  shard_->Barrier(deadline + (clock_.Now() - simulation_->Now()), std::move(ready));
}

void Instance::Stop(absl::AnyInvocable<void()> stopped) {
  if (up()) return shard_->Stop(std::move(stopped));
  stopped();
}

void Instance::RunThreads() {
  if (!up() || host_.paused()) return;
  while (executor_->RunOne()) {
  }
}

void Instance::Submit(const Operation& operation, absl::Time deadline,
                      absl::AnyInvocable<void(Reply, bool body_known)> done) {
  if (!up()) return;
  Command command{.call = std::make_unique<Call>(),
                  .method = operation.method,
                  .name = operation.name,
                  .root = operation.root,
                  .request_id = operation.request_id,
                  .request_id_given = operation.request_id_given,
                  .request_hash = operation.request_hash,
                  .validate_only = operation.validate_only};
  const std::string key = absl::StrCat(operation.request_id, "\n", operation.request_hash);
  if (in_flight_[key] > 0) {
    if (broken_ == Break::kRepeatInFlightAnswered) return done(Reply{.repeat = true}, false);
    if (broken_ == Break::kRepeatsConfirmedOnly) {
      command.request_id += absl::StrCat(std::string(1, kHiddenRepeat), ++hidden_repeats_);
    }
  }
  ++in_flight_[key];
  auto* request = NewMessage(operation.request->GetDescriptor(), &command.call->arena);
  Assign(*operation.request, request);
  command.call->method = operation.method->descriptor;
  command.call->request = request;
  command.call->metadata.deadline = deadline + (clock_.Now() - simulation_->Now());
  command.call->done = [this, key, done = std::move(done)](Reply reply) mutable {
    --in_flight_[key];
    done(std::move(reply), true);
  };
  shard_->Submit(std::move(command));
}

}  // namespace rapport::model
