// bench_import --grpc 127.0.0.1:9090 --case customers|interactions --rows 300000 [--customers
// 20000]
//
// Imports rows over the stream rapport.gateway.v1.Gateway/Import, as fast as the server takes them,
// and prints what was measured as JSON. Rows are made before the clock starts.
#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "rapport/gateway/v1/import.pb.h"
#include "tests/bench/requests.h"

namespace rapport {
namespace {

constexpr char kImport[] = "/rapport.gateway.v1.Gateway/Import";
constexpr std::chrono::seconds kConnectTimeout{10};

struct Flags {
  std::string grpc = "127.0.0.1:9090";
  std::string what = "interactions";
  int64_t first = 0;
  int64_t rows = 300'000;
  int64_t customers = 20'000;
  int streams = 4;
  // Begins the request ids, so that no run repeats another's.
  std::string job = absl::StrCat("bench-", absl::ToUnixMillis(absl::Now()));
};

grpc::ByteBuffer Row(const Flags& flags, int64_t i) {
  gateway::v1::ImportRequest row;
  if (flags.what == "customers") {
    row.mutable_request()->PackFrom(bench::CreateCustomer(flags.first + i));
  } else {
    const std::string customer = bench::SomeCustomer(flags.customers, flags.first + i);
    row.mutable_request()->PackFrom(bench::CreateInteraction(customer));
  }
  row.set_job(flags.job);
  row.set_row(flags.first + i + 1);
  return bench::ToBuffer(row);
}

// One import: writes whenever the server has room, and reads its answers meanwhile.
class Import : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  Import(grpc::GenericStub& stub, std::vector<grpc::ByteBuffer> rows) : rows_(std::move(rows)) {
    stub.PrepareBidiStreamingCall(&context_, kImport, {}, this);
  }

  void Start() {
    StartRead(&answer_);
    WriteNext();
    StartCall();
  }

  // Blocks until the server has ended the stream.
  void Wait() { ended_.get_future().wait(); }

  int64_t answers = 0;
  std::map<std::string, int64_t> errors;  // what they said → how often

 private:
  void WriteNext() {
    if (next_ == rows_.size()) return StartWritesDone();
    // Several rows share a frame; the half-close sends the rest.
    StartWrite(&rows_[next_++], grpc::WriteOptions().set_buffer_hint());
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return;
    rows_[next_ - 1].Clear();
    WriteNext();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    grpc::ProtoBufferReader reader(&answer_);
    gateway::v1::ImportResponse response;
    if (!response.ParseFromZeroCopyStream(&reader)) ++errors["an answer that cannot be read"];
    if (response.has_error()) ++errors[response.error().message()];
    if (response.repeat()) ++errors["the row had been imported before"];
    ++answers;
    answer_.Clear();
    StartRead(&answer_);
  }

  void OnDone(const grpc::Status& status) override {
    if (!status.ok()) ++errors[status.error_message()];
    ended_.set_value();
  }

  std::vector<grpc::ByteBuffer> rows_;
  size_t next_ = 0;
  grpc::ClientContext context_;
  grpc::ByteBuffer answer_;
  std::promise<void> ended_;
};

absl::Duration ProcessorTime() {
  rusage used;
  getrusage(RUSAGE_SELF, &used);
  return absl::DurationFromTimeval(used.ru_utime) + absl::DurationFromTimeval(used.ru_stime);
}

int Run(const Flags& flags) {
  std::vector<std::vector<grpc::ByteBuffer>> rows(flags.streams);
  for (auto& share : rows) share.reserve(flags.rows / flags.streams + 1);
  for (int64_t i = 0; i < flags.rows; ++i) rows[i % flags.streams].push_back(Row(flags, i));
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs;
  std::vector<std::unique_ptr<Import>> imports;
  for (auto& share : rows) {
    grpc::ChannelArguments arguments;
    // Otherwise all channels to one address share one connection.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel =
        grpc::CreateCustomChannel(flags.grpc, grpc::InsecureChannelCredentials(), arguments);
    if (!channel->WaitForConnected(std::chrono::system_clock::now() + kConnectTimeout)) {
      absl::FPrintF(stderr, "bench_import: nobody listens on --grpc %s\n", flags.grpc);
      return 1;
    }
    stubs.push_back(std::make_unique<grpc::GenericStub>(channel));
    imports.push_back(std::make_unique<Import>(*stubs.back(), std::move(share)));
  }
  const absl::Duration processor_before = ProcessorTime();
  const absl::Time start = absl::Now();
  for (auto& import : imports) import->Start();
  for (auto& import : imports) import->Wait();
  const absl::Duration took = absl::Now() - start;
  const absl::Duration processor = ProcessorTime() - processor_before;

  int64_t answers = 0;
  int64_t errors = 0;
  for (const auto& import : imports) {
    answers += import->answers;
    for (const auto& [what, count] : import->errors) {
      errors += count;
      absl::FPrintF(stderr, "bench_import: %d × %s\n", count, what);
    }
  }
  absl::PrintF(R"([{"case":"%s","calls":%d,"errors":%d,"seconds":%.3f,"callsPerSecond":%.1f,)"
               R"("clientCpuUs":%.3f}])"
               "\n",
               flags.what, answers, errors + flags.rows - answers, absl::ToDoubleSeconds(took),
               static_cast<double>(answers) / absl::ToDoubleSeconds(took),
               absl::ToDoubleMicroseconds(processor) / static_cast<double>(flags.rows));
  return 0;
}

}  // namespace
}  // namespace rapport

int main(int argc, char** argv) {
  rapport::Flags flags;
  CLI::App app("Imports rows by gRPC and prints the rate");
  app.add_option("--grpc", flags.grpc, "The server's gRPC address")->capture_default_str();
  app.add_option("--case", flags.what, "What the rows create")
      ->check(CLI::IsMember({"customers", "interactions"}))
      ->capture_default_str();
  app.add_option("--first", flags.first, "Number of the first row or customer")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  // All are in memory at once, at about 600 bytes.
  app.add_option("--rows", flags.rows, "How many")
      ->check(CLI::Range(int64_t{1}, int64_t{5'000'000}))
      ->capture_default_str();
  app.add_option("--customers", flags.customers, "Over whom interactions are spread")
      ->check(CLI::Range(int64_t{1}, int64_t{100'000'000}))
      ->capture_default_str();
  app.add_option("--streams", flags.streams, "Imports at a time, each on a connection of its own")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return rapport::Run(flags);
}
