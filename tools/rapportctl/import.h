// One NDJSON stream imported over HTTP: rows go out while answers come in.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "tools/rapportctl/connection.h"
#include "tools/rapportctl/import_rows.h"

namespace rapport {

struct ImportAnswer {
  int64_t row = 0;
  bool repeat = false;
  std::string error;  // a sentence that names the field; empty where the row went in
};

// One line of the server's answer; none for the counts at its end. DATA_LOSS for anything else.
absl::StatusOr<std::optional<ImportAnswer>> ParseImportAnswer(absl::string_view line);

struct ImportTarget {
  ServerAddress server;
  std::string collection;  // customers/-/orders
  std::string job;
};

// Sends all rows and tells each answer, in their order. After a broken connection it goes on with
// the first row that was not answered, a few times; `say` hears of it. UNAVAILABLE where that did
// not help: the same job may be run again and repeats nothing.
absl::Status Import(const ImportTarget& target, ImportRows& rows,
                    const std::function<void(const ImportAnswer&)>& tell,
                    const std::function<void(const std::string&)>& say);

}  // namespace rapport
