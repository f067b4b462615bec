#include "tests/model/instance.h"

#include "absl/strings/str_cat.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/store/keys.h"
#include "tests/model/reactions.h"

namespace rapport::model {
namespace {

// Of all instances.
constexpr char kSecret[] = "model";

}  // namespace

Instance::Instance(const Product* product, Simulation* simulation, SimulatedLog* broker,
                   Break broken, absl::Duration skew, OnCall on_call)
    : product_(product),
      simulation_(simulation),
      broker_(broker),
      broken_(broken),
      on_call_(std::move(on_call)),
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
  std::vector<Join> joins;
  if (process_spec_ != nullptr) {
    joins.emplace_back(FactsCounted(), kPartition, log_.get(), store_.get());
  }
  shard_ = std::make_unique<Shard>(
      ShardOptions{.partition = kPartition,
                   .parents = kParents,
                   .parents_collection = "customers",
                   .joins = std::move(joins),
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
                                                   .executor = executor_.get(),
                                                   .secret = kSecret});
  if (process_spec_ != nullptr) {
    source_ = BreakSource(broken_, broker_->Connect(&host_), kPartition);
    process_ = std::make_unique<Process>(ProcessOptions{.spec = process_spec_,
                                                        .source = kPartition,
                                                        .shard = shard_.get(),
                                                        .log = source_.get(),
                                                        .peers = this,
                                                        .executor = executor_.get(),
                                                        .secret = kSecret});
  }
  shard_->Start();
}

Offset Instance::cursor() const {
  log::v1::ProcessAdvanced advanced;
  const auto known = store_->Get(keys::Cursor(kProcess), &advanced);
  Ensure(known.ok(), "what was written can be read");
  return advanced.cursor().next_offset();
}

void Instance::Crash(size_t writes_kept) {
  host_.Crash();
  process_.reset();
  timers_.reset();
  shard_.reset();
  executor_.reset();
  source_.reset();
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
  if (process_) process_->Tick();
}

void Instance::Handle(CallPtr call) {
  if (broken_ == Break::kFreshRequestIds && !IsTimers(*call)) {
    SetText(*call->request, "request_id", absl::StrCat("fresh-", simulation_->Draw()));
  }
  if (broken_ == Break::kReactionsUnawaited && !IsTimers(*call)) {
    auto done = std::exchange(call->done, [](const Reply&) {});
    on_call_(std::move(call));
    return done(Reply{});
  }
  on_call_(std::move(call));
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
