// bench_kafka_append --brokers 127.0.0.1:9092 --in-flight 32 --batch 128
//
// Appends to Kafka, first with librdkafka alone and then through the log's adapter: the same
// records, settings and batches, each to a topic of its own. A batch goes out when one comes back.
// Prints what was measured of either as JSON; a call is a record, its time that of its batch.
#include <librdkafka/rdkafka.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "rapport/service/v1/interaction.pb.h"
#include "services/runtime/base/status.h"
#include "services/runtime/log/kafka/client.h"
#include "services/runtime/log/kafka/envelope.h"
#include "services/runtime/log/kafka/kafka_log.h"
#include "tests/bench/requests.h"

namespace rapport {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kBareTopic[] = "bench.bare";
constexpr char kAdapterTopic[] = "bench.adapter";
// More than any batch, so that neighbours differ.
constexpr size_t kRecords = 4'096;
// Between the first records of two slots.
constexpr size_t kStride = 17;
// As many as decide and append in a server.
constexpr int kThreads = 2;
constexpr auto kWarmUp = std::chrono::milliseconds(500);
constexpr int kPollMs = 100;
constexpr int kFlushMs = 10'000;

struct Flags {
  std::string brokers = "127.0.0.1:9092";
  int in_flight = 32;
  int batch = 128;
  int partitions = 32;
  int seconds = 5;
};

// What an interaction that is logged leaves in the log.
log::v1::Record SomeRecord(size_t i) {
  const std::string customer = absl::StrCat("customers/bench-", i);
  service::v1::InteractionEvent event;
  auto& made = *event.mutable_created()->mutable_interaction();
  made = bench::CreateInteraction(customer).interaction();
  made.set_name(absl::StrCat(customer, "/interactions/01HF7YAT00000000000000", i));
  log::v1::Record record;
  record.set_kind(log::v1::Record::EVENT);
  record.set_claim_id(0x1234'5678'9abc'def0);
  record.set_claim_offset(12'345);
  record.set_number(static_cast<int64_t>(i) + 1);
  record.set_type("rapport.service.v1.InteractionCreated");
  record.set_subject(made.name());
  record.set_root(customer);
  record.set_sequence(static_cast<int64_t>(i) + 1);
  record.mutable_occur_time()->set_seconds(1'700'000'000);
  record.mutable_record_time()->set_seconds(1'700'000'000);
  record.set_actor("anonymous");
  record.set_request_id(absl::StrCat("1700000000000000000-", i));
  record.set_request_hash(std::string(16, 'h'));
  record.set_value(event.SerializeAsString());
  return record;
}

// One way to append `count` records from the first on; `done` says whether all are acknowledged.
class Appender {
 public:
  using Done = std::function<void(bool ok)>;
  virtual ~Appender() = default;
  virtual void Append(int partition, size_t first, size_t count, Done done) = 0;
};

// librdkafka as its manual has it: produce, and poll for the reports.
class Bare : public Appender {
 public:
  static absl::StatusOr<std::unique_ptr<Bare>> Open(const Flags& flags) {
    auto bare = std::make_unique<Bare>();
    const KafkaConf conf(rd_kafka_conf_new());
    const std::map<std::string, std::string> settings = {{"bootstrap.servers", flags.brokers},
                                                         {"enable.idempotence", "true"},
                                                         {"acks", "all"},
                                                         {"linger.ms", "0"},
                                                         {"socket.nagle.disable", "true"}};
    char why[512];
    for (const auto& [name, value] : settings) {
      if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), why, sizeof(why)) !=
          RD_KAFKA_CONF_OK) {
        return absl::InvalidArgumentError(why);
      }
    }
    rd_kafka_conf_set_dr_msg_cb(conf.get(),
                                [](rd_kafka_t*, const rd_kafka_message_t* message, void*) {
                                  auto* batch = static_cast<Batch*>(message->_private);
                                  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
                                    batch->failed = true;
                                  if (--batch->waiting > 0) return;
                                  const std::unique_ptr<Batch> last(batch);
                                  last->done(!last->failed);
                                });
    bare->client_.reset(
        rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_dup(conf.get()), why, sizeof(why)));
    if (bare->client_ == nullptr) return absl::InvalidArgumentError(why);
    for (size_t i = 0; i < kRecords; ++i) {
      bare->messages_.push_back(ToKafka(SomeRecord(i), kBareTopic));
    }
    bare->thread_ = std::thread([self = bare.get()] {
      while (!self->stopping_) rd_kafka_poll(self->client_.get(), kPollMs);
    });
    return bare;
  }

  ~Bare() override {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    if (client_ != nullptr) rd_kafka_flush(client_.get(), kFlushMs);
  }

  void Append(int partition, size_t first, size_t count, Done done) override {
    auto* batch = new Batch{.done = std::move(done)};
    batch->waiting = count;
    // Its last report deletes it.
    for (size_t i = 0; i < count; ++i) {
      if (Send(partition, messages_[(first + i) % kRecords], batch)) continue;
      std::fprintf(stderr, "bench_kafka_append: librdkafka does not take a record\n");
      std::abort();
    }
  }

 private:
  struct Batch {
    Done done;
    std::atomic<size_t> waiting = 0;
    bool failed = false;
  };

  bool Send(int partition, const KafkaMessage& message, Batch* batch) {
    rd_kafka_headers_t* headers = rd_kafka_headers_new(message.headers.size());
    for (const auto& [name, value] : message.headers) {
      rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                          static_cast<ssize_t>(value.size()));
    }
    return rd_kafka_producev(
               client_.get(), RD_KAFKA_V_TOPIC(kBareTopic), RD_KAFKA_V_PARTITION(partition),
               RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
               RD_KAFKA_V_KEY(message.key.data(), message.key.size()),
               RD_KAFKA_V_VALUE(const_cast<char*>(message.value.data()), message.value.size()),
               RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(batch),
               RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR_NO_ERROR;
  }

  KafkaClient client_;
  std::vector<KafkaMessage> messages_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

class Adapter : public Appender {
 public:
  explicit Adapter(EventLog& log) : log_(log) {
    for (size_t i = 0; i < kRecords; ++i) records_.push_back(SomeRecord(i).SerializeAsString());
  }

  void Append(int partition, size_t first, size_t count, Done done) override {
    std::vector<std::string> batch;
    batch.reserve(count);
    for (size_t i = 0; i < count; ++i) batch.push_back(records_[(first + i) % kRecords]);
    log_.Append({kAdapterTopic, partition}, std::move(batch),
                [done = std::move(done)](const absl::StatusOr<std::vector<Offset>>& offsets) {
                  done(offsets.ok());
                });
  }

 private:
  EventLog& log_;
  std::vector<std::string> records_;
};

// Keeps so many batches under way from a few threads, for a while.
class Turn {
 public:
  Turn(const Flags& flags, Appender& appender)
      : flags_(flags), appender_(appender), begun_(static_cast<size_t>(flags.in_flight)) {}

  std::string Run() {
    const double cpu = CpuSeconds();
    // Connections are made before anything is measured.
    under_way_ = flags_.in_flight;
    for (int i = 0; i < flags_.in_flight; ++i) Send(i);
    AwaitAll();
    measured_from_ = Clock::now() + kWarmUp;
    stop_ = measured_from_ + std::chrono::seconds(flags_.seconds);
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back([this] { SendUntilOver(); });
    for (auto& thread : threads) thread.join();
    AwaitAll();
    const double cpu_us = 1e6 * (CpuSeconds() - cpu);
    const auto batch = static_cast<double>(flags_.batch);
    std::sort(latencies_ms_.begin(), latencies_ms_.end());
    const double seconds = std::chrono::duration<double>(last_ - measured_from_).count();
    const double batches = static_cast<double>(latencies_ms_.size());
    return absl::StrFormat(
        R"({"calls":%.0f,"errors":%d,"callsPerSecond":%.1f,"p50Ms":%.3f,"p90Ms":%.3f,)"
        R"("p99Ms":%.3f,"maxMs":%.3f,"clientCpuUs":%.2f})",
        batches * batch, failed_, batches * batch / seconds, Percentile(0.5), Percentile(0.9),
        Percentile(0.99), Percentile(1), cpu_us / (static_cast<double>(all_) * batch));
  }

 private:
  static double CpuSeconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
  }

  double Percentile(double share) const {
    if (latencies_ms_.empty()) return 0;
    return latencies_ms_[static_cast<size_t>(share *
                                             static_cast<double>(latencies_ms_.size() - 1))];
  }

  void SendUntilOver() {
    while (true) {
      int slot = 0;
      {
        std::unique_lock lock(mutex_);
        freed_.wait(lock, [this] { return !free_.empty(); });
        if (Clock::now() >= stop_) return;
        slot = free_.front();
        free_.pop_front();
        ++under_way_;
      }
      Send(slot);
    }
  }

  void Send(int slot) {
    const auto number = static_cast<size_t>(slot);
    begun_[number] = Clock::now();
    appender_.Append(slot % flags_.partitions, number * kStride, static_cast<size_t>(flags_.batch),
                     [this, slot](bool ok) { Note(slot, ok); });
  }

  void AwaitAll() {
    std::unique_lock lock(mutex_);
    freed_.wait(lock, [this] { return under_way_ == 0; });
  }

  void Note(int slot, bool ok) {
    const auto now = Clock::now();
    const auto begun = begun_[static_cast<size_t>(slot)];
    std::lock_guard lock(mutex_);
    if (!ok) ++failed_;
    ++all_;
    if (measured_from_ != Clock::time_point() && begun >= measured_from_) {
      latencies_ms_.push_back(std::chrono::duration<double, std::milli>(now - begun).count());
      last_ = now;
    }
    free_.push_back(slot);
    --under_way_;
    freed_.notify_all();
  }

  const Flags& flags_;
  Appender& appender_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::deque<int> free_;
  int under_way_ = 0;
  int64_t all_ = 0;
  int64_t failed_ = 0;
  std::vector<Clock::time_point> begun_;
  std::vector<double> latencies_ms_;
  Clock::time_point measured_from_;  // none while the first batches are under way
  Clock::time_point stop_;
  Clock::time_point last_;
};

absl::Status Bench(const Flags& flags) {
  ASSIGN_OR_RETURN(const auto log, OpenKafkaLog({.brokers = flags.brokers}));
  for (const char* topic : {kBareTopic, kAdapterTopic}) {
    RETURN_IF_ERROR(log->EnsureTopic(topic, flags.partitions));
  }
  ASSIGN_OR_RETURN(const auto bare, Bare::Open(flags));
  Adapter adapter(*log);
  const std::string alone = Turn(flags, *bare).Run();
  const std::string through_adapter = Turn(flags, adapter).Run();
  absl::PrintF("{\"bare\":%s,\"adapter\":%s}\n", alone, through_adapter);
  return absl::OkStatus();
}

}  // namespace
}  // namespace rapport

int main(int argc, char** argv) {
  rapport::Flags flags;
  CLI::App app("Appends to Kafka with librdkafka alone and through the log's adapter");
  app.add_option("--brokers", flags.brokers, "host:port,host:port")->capture_default_str();
  app.add_option("--in-flight", flags.in_flight, "Batches at a time, spread over the partitions")
      ->check(CLI::Range(1, 4'096))
      ->capture_default_str();
  app.add_option("--batch", flags.batch, "Records of a batch")
      ->check(CLI::Range(1, 4'096))
      ->capture_default_str();
  app.add_option("--partitions", flags.partitions, "Of either topic")
      ->check(CLI::Range(1, 1'024))
      ->capture_default_str();
  app.add_option("--seconds", flags.seconds, "How long either appends")
      ->check(CLI::Range(1, 3'600))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = rapport::Bench(flags);
  if (status.ok()) return 0;
  absl::FPrintF(stderr, "bench_kafka_append: %s\n", status.message());
  return 1;
}
