// rapportctl import --job NAME [--collection PATH] [--first-row N] [--errors FILE] FILE…
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "services/allinone/node.h"
#include "services/runtime/base/status.h"
#include "tools/rapportctl/command.h"
#include "tools/rapportctl/import.h"
#include "tools/rapportctl/server_flags.h"

namespace rapport {
namespace {

constexpr absl::Duration kProgressPeriod = absl::Milliseconds(500);
// Of failed rows on stderr; --errors takes all of them.
constexpr int64_t kMaxShownErrors = 20;
constexpr int kSomeRowsFailed = 2;

struct Flags {
  RestFlags rest;
  std::string job;
  std::string collection;
  std::string errors;
  int64_t first_row = 1;
  std::vector<std::string> files;
};

// "orders" -> "customers/-/orders"; a path stays as it is.
absl::StatusOr<std::string> CollectionPath(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  for (const auto& spec : AllServices()) {
    for (const auto& type : spec.aggregates) {
      if (type.plural != name) continue;
      std::vector<std::string> parts = absl::StrSplit(type.pattern, '/');
      parts.pop_back();
      for (auto& part : parts) {
        if (part.front() == '{') part = "-";
      }
      return absl::StrJoin(parts, "/");
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", name, "\" is no collection; say which with --collection, as customers/-/orders"));
}

class Progress {
 public:
  Progress(int64_t total_bytes, std::ostream* errors)
      : total_bytes_(total_bytes), errors_(errors) {}

  void Take(const ImportAnswer& answer, int64_t bytes) {
    if (answer.error.empty()) {
      ++(answer.repeat ? repeated_ : succeeded_);
    } else {
      ++failed_;
      Show(answer);
    }
    if (const absl::Time now = absl::Now(); now >= next_) {
      next_ = now + kProgressPeriod;
      Print(bytes, terminal_ ? "\r" : "\n");
    }
  }

  void Print(int64_t bytes, const char* end) const {
    const int64_t rows = succeeded_ + repeated_ + failed_;
    const double seconds = std::max(absl::ToDoubleSeconds(absl::Now() - begin_), 1e-3);
    const std::string share =
        total_bytes_ > 0 ? absl::StrFormat("%3.0f %%  ", 100.0 * static_cast<double>(bytes) /
                                                             static_cast<double>(total_bytes_))
                         : "";
    absl::FPrintF(stderr, "%s%s%d rows  %.0f rows/s  %d succeeded  %d repeated  %d failed%s",
                  terminal_ ? "\033[K" : "", share, rows, static_cast<double>(rows) / seconds,
                  succeeded_, repeated_, failed_, end);
    std::fflush(stderr);
  }

  void Say(const std::string& what) const {
    absl::FPrintF(stderr, "%srapportctl: %s\n", terminal_ ? "\033[K" : "", what);
  }

  int64_t failed() const { return failed_; }

 private:
  void Show(const ImportAnswer& answer) {
    if (errors_ != nullptr) {
      *errors_ << "row " << answer.row << ": " << answer.error << '\n';
    } else if (failed_ <= kMaxShownErrors) {
      Say(absl::StrCat("row ", answer.row, ": ", answer.error));
    } else if (failed_ == kMaxShownErrors + 1) {
      Say("more rows failed; --errors FILE takes them all");
    }
  }

  const int64_t total_bytes_;
  std::ostream* const errors_;
  const bool terminal_ = isatty(STDERR_FILENO) != 0;
  const absl::Time begin_ = absl::Now();
  absl::Time next_ = begin_ + kProgressPeriod;
  int64_t succeeded_ = 0;
  int64_t repeated_ = 0;
  int64_t failed_ = 0;
};

int64_t SizeOf(const std::vector<std::string>& files) {
  int64_t bytes = 0;
  for (const auto& file : files) {
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    if (error) return 0;  // a pipe: nobody knows
    bytes += static_cast<int64_t>(size);
  }
  return bytes;
}

// All files of one command, numbered through.
class ImportRun {
 public:
  ImportRun(const Flags& flags, ServerAddress server, std::ostream* errors)
      : flags_(flags), server_(std::move(server)), progress_(SizeOf(flags.files), errors) {}

  absl::Status ImportFile(const std::string& file) {
    const std::string name =
        flags_.collection.empty() ? std::filesystem::path(file).stem().string() : flags_.collection;
    ASSIGN_OR_RETURN(const std::string collection, CollectionPath(name));
    std::ifstream opened;
    if (file != "-") {
      opened.open(file, std::ios::binary);
      if (!opened) return absl::NotFoundError(absl::StrCat("cannot read ", file));
    }
    std::istream& input = file == "-" ? std::cin : opened;
    std::string skipped;
    for (; row_ < flags_.first_row && std::getline(input, skipped); ++row_) {
      done_bytes_ += static_cast<int64_t>(skipped.size()) + 1;
    }
    ImportRows rows(input, row_);
    RETURN_IF_ERROR(Import(
        {server_, collection, flags_.job}, rows,
        [&](const ImportAnswer& answer) {
          progress_.Take(answer, done_bytes_ + rows.answered_bytes());
        },
        [&](const std::string& what) { progress_.Say(what); }));
    if (rows.failed()) return absl::DataLossError(absl::StrCat("cannot read all of ", file));
    row_ = rows.next_row();
    done_bytes_ += rows.answered_bytes();
    return absl::OkStatus();
  }

  void PrintEnd() const { progress_.Print(done_bytes_, "\n"); }
  int64_t failed() const { return progress_.failed(); }

 private:
  const Flags& flags_;
  const ServerAddress server_;
  Progress progress_;
  int64_t row_ = 1;
  int64_t done_bytes_ = 0;
};

// How many rows failed.
absl::StatusOr<int64_t> ImportAll(const Flags& flags) {
  ASSIGN_OR_RETURN(ServerAddress server, ParseServer(flags.rest.server, flags.rest.tls));
  std::ofstream errors;
  if (!flags.errors.empty()) {
    errors.open(flags.errors);
    if (!errors) return absl::UnavailableError(absl::StrCat("cannot write ", flags.errors));
  }
  ImportRun run(flags, std::move(server), flags.errors.empty() ? nullptr : &errors);
  absl::Status imported;
  for (const auto& file : flags.files) {
    imported = run.ImportFile(file);
    if (!imported.ok()) break;
  }
  run.PrintEnd();
  if (absl::IsUnavailable(imported)) {
    return absl::UnavailableError(
        absl::StrCat(imported.message(), "; run the same command again, with --job ", flags.job,
                     ": rows that are in already are not repeated"));
  }
  RETURN_IF_ERROR(imported);
  return run.failed();
}

}  // namespace

void AddImportCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand(
      "import", "Create what NDJSON files hold, one row a line; exits 2 if rows were refused");
  command->set_version_flag("--version", "rapportctl " RAPPORT_VERSION);
  AddRestFlags(*command, &flags->rest);
  command->add_option("--job", flags->job, "A name; the same job run again repeats nothing")
      ->required();
  command->add_option("--collection", flags->collection,
                      "orders or customers/-/orders; otherwise what each file is called");
  command->add_option("--first-row", flags->first_row, "Begin with this line")
      ->check(CLI::PositiveNumber);
  command->add_option("--errors", flags->errors, "File for the rows that fail");
  command->add_option("FILE", flags->files, "orders.ndjson, or - for stdin")->required();
  command->callback([flags, exit_code] {
    const absl::StatusOr<int64_t> failed = ImportAll(*flags);
    *exit_code = failed.ok() && *failed > 0 ? kSomeRowsFailed : Conclude(failed.status());
  });
}

}  // namespace rapport
