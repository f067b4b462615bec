// rapportctl verify-history [--json] FILE…
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "services/runtime/base/status.h"
#include "tools/rapportctl/command.h"
#include "tools/rapportctl/history/reader.h"
#include "tools/rapportctl/history/verify_history.h"

namespace rapport {
namespace {

using history::Fault;
using history::History;
using history::Verdict;

constexpr int kViolated = 1;
constexpr int kUnreadable = 2;
constexpr const char* kKindNames[history::kKinds] = {"append", "read", "strong"};
constexpr const char* kOutcomeNames[history::kOutcomes] = {"ok", "failed", "unknown"};

struct Flags {
  bool json = false;
  std::vector<std::string> files;
};

absl::StatusOr<History> ReadHistory(const std::vector<std::string>& files) {
  history::HistoryReader reader;
  for (const auto& file : files) {
    std::ifstream opened;
    if (file != "-") {
      opened.open(file, std::ios::binary);
      if (!opened) return absl::NotFoundError(absl::StrCat("cannot read ", file));
    }
    RETURN_IF_ERROR(reader.Read(file, file == "-" ? std::cin : opened));
  }
  return std::move(reader).Finish();
}

void PrintJson(const Verdict& verdict) {
  rapidjson::StringBuffer text;
  rapidjson::Writer<rapidjson::StringBuffer> json(text);
  json.StartObject();
  json.Key("clean");
  json.Bool(verdict.clean());
  json.Key("operations");
  json.StartObject();
  for (int kind = 0; kind < history::kKinds; ++kind) {
    json.Key(kKindNames[kind]);
    json.StartObject();
    for (int outcome = 0; outcome < history::kOutcomes; ++outcome) {
      json.Key(kOutcomeNames[outcome]);
      json.Int64(verdict.operations[kind][outcome]);
    }
    json.EndObject();
  }
  json.EndObject();
  json.Key("unchecked");
  json.Int64(verdict.unchecked);
  json.Key("faults");
  json.StartObject();
  for (int fault = 0; fault < history::kFaults; ++fault) {
    json.Key(history::NameOf(static_cast<Fault>(fault)));
    json.Int64(verdict.faults[fault]);
  }
  json.EndObject();
  json.Key("examples");
  json.StartArray();
  for (const auto& example : verdict.examples) {
    json.String(absl::StrCat(history::NameOf(example.fault), ": ", example.what).c_str());
  }
  json.EndArray();
  json.EndObject();
  std::puts(text.GetString());
}

void Print(const Verdict& verdict) {
  std::printf("%-18s %12s %12s %12s\n", "operations", kOutcomeNames[0], kOutcomeNames[1],
              kOutcomeNames[2]);
  for (int kind = 0; kind < history::kKinds; ++kind) {
    const auto& counts = verdict.operations[kind];
    std::printf("%-18s %12lld %12lld %12lld\n", kKindNames[kind], static_cast<long long>(counts[0]),
                static_cast<long long>(counts[1]), static_cast<long long>(counts[2]));
  }
  std::puts("faults");
  for (int number = 0; number < history::kFaults; ++number) {
    const auto fault = static_cast<Fault>(number);
    std::printf("%-18s %12lld\n", history::NameOf(fault),
                static_cast<long long>(verdict.faults[number]));
    for (const auto& example : verdict.examples) {
      if (example.fault == fault) std::printf("  %s\n", example.what.c_str());
    }
  }
  if (verdict.unchecked > 0) {
    std::printf(
        "unchecked: for %lld acknowledged appends no read was bound to look; end a history "
        "with a strong read of every key\n",
        static_cast<long long>(verdict.unchecked));
  }
  std::puts(verdict.clean() ? "the history is clean" : "the history has faults");
}

int VerifyFiles(const Flags& flags) {
  const absl::StatusOr<History> read = ReadHistory(flags.files);
  if (!read.ok()) {
    Conclude(read.status());
    return kUnreadable;
  }
  const Verdict verdict = history::Verify(*read);
  flags.json ? PrintJson(verdict) : Print(verdict);
  return verdict.clean() ? 0 : kViolated;
}

}  // namespace

void AddVerifyHistoryCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand(
      "verify-history",
      "Look for lost, doubled, reordered, torn and stale answers in what clients recorded; exits 1 "
      "if there are any, 2 if a file is no history");
  command->set_version_flag("--version", "rapportctl " RAPPORT_VERSION);
  command->add_flag("--json", flags->json, "One JSON object");
  command->add_option("FILE", flags->files, "NDJSON, an event a line, or - for stdin")->required();
  command->callback([flags, exit_code] { *exit_code = VerifyFiles(*flags); });
}

}  // namespace rapport
