#include "tests/bench/load.h"

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace rapport::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Stubs = std::vector<std::unique_ptr<grpc::GenericStub>>;

constexpr std::chrono::seconds kConnectTimeout{10};

// The calls to send in one go, shared by the threads.
struct Phase {
  const Load& load;
  const Stubs& stubs;
  int64_t first;
  int64_t end;
  Clock::time_point start;
  Clock::time_point stop;
  std::atomic<int64_t> next = first;

  // Of the i-th call, where there is a rate.
  Clock::time_point Due(int64_t i) const {
    const std::chrono::duration<double> after(static_cast<double>(i - first) /
                                              load.calls_per_second);
    return start + std::chrono::duration_cast<Clock::duration>(after);
  }
};

// One call in flight, then the next.
struct Slot {
  int64_t i = 0;
  std::optional<grpc::ClientContext> context;
  grpc::ByteBuffer response;
  grpc::Status status;
  Clock::time_point begun;  // sent, or due
  std::unique_ptr<grpc::ClientAsyncResponseReader<grpc::ByteBuffer>> reader;
};

// One thread with its own queue and its share of the calls in flight.
class Sender {
 public:
  Sender(Phase& phase, int index)
      : phase_(phase), stub_(index), slots_(phase.load.in_flight / phase.load.threads) {}

  void Run() {
    if (phase_.load.calls_per_second > 0) return RunAtRate();
    for (Slot& slot : slots_) SendNext(slot, Clock::now());
    void* tag = nullptr;
    bool ok = false;
    while (running_ > 0 && queue_.Next(&tag, &ok)) {
      const auto now = Clock::now();
      Slot& slot = *static_cast<Slot*>(tag);
      Record(slot, now);
      --running_;
      SendNext(slot, now);
    }
    queue_.Shutdown();
    while (queue_.Next(&tag, &ok)) {
    }
  }

  std::vector<int64_t> latencies_ns;
  std::map<std::string, int64_t> errors;
  Clock::time_point last;

 private:
  void RunAtRate() {
    for (Slot& slot : slots_) free_.push_back(&slot);
    std::thread receiver([this] { Receive(); });
    for (int64_t i = phase_.next++; i < phase_.end; i = phase_.next++) {
      const auto due = phase_.Due(i);
      if (due >= phase_.stop) break;
      std::this_thread::sleep_until(due);
      Send(*WaitForSlot(), i, due);
    }
    for (size_t i = 0; i < slots_.size(); ++i) WaitForSlot();
    queue_.Shutdown();
    receiver.join();
  }

  void Receive() {
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
      Slot& slot = *static_cast<Slot*>(tag);
      Record(slot, Clock::now());
      std::lock_guard lock(mutex_);
      free_.push_back(&slot);
      freed_.notify_one();
    }
  }

  Slot* WaitForSlot() {
    std::unique_lock lock(mutex_);
    freed_.wait(lock, [this] { return !free_.empty(); });
    Slot* slot = free_.back();
    free_.pop_back();
    return slot;
  }

  void SendNext(Slot& slot, Clock::time_point now) {
    if (now >= phase_.stop) return;
    const int64_t i = phase_.next++;
    if (i >= phase_.end) return;
    ++running_;
    Send(slot, i, std::nullopt);
  }

  // A call that was not due at a time begins when it is sent.
  void Send(Slot& slot, int64_t i, std::optional<Clock::time_point> due) {
    slot.i = i;
    const Load& load = phase_.load;
    slot.context.emplace();
    for (const auto& [key, value] : load.metadata) slot.context->AddMetadata(key, value);
    slot.response.Clear();
    const grpc::ByteBuffer request = load.request(slot.i);
    grpc::GenericStub& stub = *phase_.stubs[stub_++ % phase_.stubs.size()];
    slot.begun = due.value_or(Clock::now());
    slot.reader = stub.PrepareUnaryCall(&*slot.context, load.path, request, &queue_);
    slot.reader->StartCall();
    slot.reader->Finish(&slot.response, &slot.status, &slot);
  }

  void Record(Slot& slot, Clock::time_point now) {
    last = now;
    latencies_ns.push_back(
        std::chrono::duration_cast<std::chrono::nanoseconds>(now - slot.begun).count());
    if (!slot.status.ok()) {
      ++errors[absl::StrCat(slot.status.error_code(), " ", slot.status.error_message())];
    } else if (phase_.load.on_answer) {
      phase_.load.on_answer(slot.i, slot.response);
    }
  }

  Phase& phase_;
  size_t stub_;
  std::vector<Slot> slots_;
  grpc::CompletionQueue queue_;
  int running_ = 0;
  // With a rate, one thread sends and another receives.
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<Slot*> free_;
};

absl::Duration Percentile(std::vector<int64_t>& sorted_ns, double share) {
  if (sorted_ns.empty()) return absl::ZeroDuration();
  const size_t last = sorted_ns.size() - 1;
  return absl::Nanoseconds(sorted_ns[static_cast<size_t>(share * static_cast<double>(last))]);
}

Measured RunPhase(const Load& load, const Stubs& stubs, int64_t first, int64_t calls,
                  Clock::time_point stop) {
  const auto start = Clock::now();
  const int64_t end = calls > INT64_MAX - first ? INT64_MAX : first + calls;
  Phase phase{
      .load = load, .stubs = stubs, .first = first, .end = end, .start = start, .stop = stop};
  std::vector<std::unique_ptr<Sender>> senders;
  std::vector<std::thread> threads;
  for (int t = 0; t < load.threads; ++t) {
    Sender& sender = *senders.emplace_back(std::make_unique<Sender>(phase, t));
    threads.emplace_back([&sender] { sender.Run(); });
  }
  for (std::thread& thread : threads) thread.join();

  Measured measured;
  std::vector<int64_t> latencies_ns;
  auto last = start;
  for (const auto& sender : senders) {
    latencies_ns.insert(latencies_ns.end(), sender->latencies_ns.begin(),
                        sender->latencies_ns.end());
    for (const auto& [error, count] : sender->errors) measured.errors[error] += count;
    last = std::max(last, sender->last);
  }
  std::sort(latencies_ns.begin(), latencies_ns.end());
  measured.calls = static_cast<int64_t>(latencies_ns.size());
  measured.duration = absl::FromChrono(last - start);
  measured.calls_per_second =
      static_cast<double>(measured.calls) / absl::ToDoubleSeconds(measured.duration);
  measured.p50 = Percentile(latencies_ns, 0.50);
  measured.p90 = Percentile(latencies_ns, 0.90);
  measured.p99 = Percentile(latencies_ns, 0.99);
  measured.max = Percentile(latencies_ns, 1);
  return measured;
}

}  // namespace

absl::StatusOr<Measured> RunLoad(const Load& load) {
  if (load.in_flight < load.threads || load.in_flight % load.threads != 0) {
    return absl::InvalidArgumentError("in_flight must be a multiple of threads");
  }
  Stubs stubs;
  const auto credentials =
      load.credentials != nullptr ? load.credentials : grpc::InsecureChannelCredentials();
  for (int i = 0; i < load.channels; ++i) {
    grpc::ChannelArguments arguments;
    // Otherwise all channels to one address share one connection.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel = grpc::CreateCustomChannel(load.address, credentials, arguments);
    if (!channel->WaitForConnected(std::chrono::system_clock::now() + kConnectTimeout)) {
      return absl::UnavailableError(absl::StrCat("nobody listens on ", load.address));
    }
    stubs.push_back(std::make_unique<grpc::GenericStub>(channel));
  }
  RunPhase(load, stubs, 0, load.warm_up_calls, Clock::time_point::max());
  return RunPhase(load, stubs, load.warm_up_calls, load.calls,
                  Clock::now() + absl::ToChronoNanoseconds(load.duration));
}

std::string ToString(const Measured& measured) {
  std::string line =
      absl::StrFormat("%8.0f calls/s   p50 %6.2f ms   p99 %6.2f ms   max %6.2f ms   %d calls",
                      measured.calls_per_second, absl::ToDoubleMilliseconds(measured.p50),
                      absl::ToDoubleMilliseconds(measured.p99),
                      absl::ToDoubleMilliseconds(measured.max), measured.calls);
  for (const auto& [error, count] : measured.errors) {
    absl::StrAppend(&line, "\n  ", count, " × ", error);
  }
  return line;
}

std::string ToJsonMembers(const Measured& measured, int64_t failed) {
  return absl::StrFormat(
      R"("calls":%d,"errors":%d,"callsPerSecond":%.1f,"p50Ms":%.3f,"p90Ms":%.3f,"p99Ms":%.3f,"maxMs":%.3f)",
      measured.calls, failed, measured.calls_per_second, absl::ToDoubleMilliseconds(measured.p50),
      absl::ToDoubleMilliseconds(measured.p90), absl::ToDoubleMilliseconds(measured.p99),
      absl::ToDoubleMilliseconds(measured.max));
}

int64_t PrintErrors(const char* program, const Measured& measured) {
  int64_t failed = 0;
  for (const auto& [error, count] : measured.errors) {
    absl::FPrintF(stderr, "%s: %d × %s\n", program, count, error);
    failed += count;
  }
  return failed;
}

}  // namespace rapport::bench
