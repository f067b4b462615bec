// rapportctl verify --data DIR [--kafka BROKERS]
#include <cstdio>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/allinone/kafka_flags.h"
#include "services/runtime/base/hash.h"
#include "services/runtime/base/status.h"
#include "tools/rapportctl/command.h"
#include "tools/rapportctl/verify.h"

namespace rapport {
namespace {

struct Totals {
  int64_t records = 0, events = 0, void_records = 0, entries = 0, behind = 0;
  size_t problems = 0;
  std::string digest;
};

Totals Sum(const std::vector<PartitionReport>& reports) {
  Totals sum;
  for (const auto& report : reports) {
    sum.records += report.log.records;
    sum.events += report.log.events;
    sum.void_records += report.log.void_records;
    sum.entries += report.entries;
    sum.behind += report.behind;
    sum.problems += report.problems.size();
    sum.digest = KeyedHash(sum.digest, report.digest);
  }
  return sum;
}

void Print(const std::string& service, const Totals& sum) {
  std::printf("%-10s %s %10lld records %10lld events %6lld void %11lld entries  %s\n",
              service.c_str(), sum.problems == 0 ? "ok " : "BAD",
              static_cast<long long>(sum.records), static_cast<long long>(sum.events),
              static_cast<long long>(sum.void_records), static_cast<long long>(sum.entries),
              absl::BytesToHexString(sum.digest).c_str());
  if (sum.behind > 0) {
    std::printf(
        "           %lld records are not applied yet; the server does that when it starts\n",
        static_cast<long long>(sum.behind));
  }
}

// The number of problems.
absl::StatusOr<size_t> Verify(const std::string& path, const KafkaFlags& flags) {
  ASSIGN_OR_RETURN(const auto kafka, ToOptions(flags));
  ASSIGN_OR_RETURN(const auto data, DataFolder::Open(path, kafka));
  size_t problems = 0;
  for (const auto& service : data->services()) {
    const std::vector<PartitionReport> reports = VerifyService(*data, service);
    const Totals sum = Sum(reports);
    Print(service.name, sum);
    for (const auto& report : reports) {
      for (const auto& problem : report.problems) {
        std::printf("  %s/%d: %s\n", report.partition.topic.c_str(), report.partition.partition,
                    problem.c_str());
      }
    }
    problems += sum.problems;
  }
  return problems;
}

absl::Status Summary(size_t problems) {
  if (problems == 0) {
    std::puts("the projections say what the log says");
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat(
      problems, " problems; rapportctl rebuild mends projections, a backup mends a log"));
}

}  // namespace

void AddVerifyCommand(CLI::App& app, int* exit_code) {
  auto path = std::make_shared<std::string>();
  auto kafka = std::make_shared<KafkaFlags>();
  CLI::App* command = app.add_subcommand(
      "verify", "Compare the projections with the log, and check both; the server is stopped");
  command->set_version_flag("--version", "rapportctl " RAPPORT_VERSION);
  command->add_option("--data", *path, "The server's data folder")->required();
  AddKafkaFlags(*command, kafka.get());
  command->callback([path, kafka, exit_code] {
    const absl::StatusOr<size_t> problems = Verify(*path, *kafka);
    *exit_code = Conclude(problems.ok() ? Summary(*problems) : problems.status());
  });
}

}  // namespace rapport
