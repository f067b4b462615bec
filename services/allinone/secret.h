// The key of page tokens, request hashes and the request ids of processes, which must stay what
// they are across restarts and be the same for all instances upon one log.
//
// Threads: pure but for the files.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace rapport {

// What `secret_file` holds; where none is named, a file of the data folder, made where the folder
// is new. DATA_LOSS with the mend where it does not hold 32 bytes, or is gone from a folder with
// data.
absl::StatusOr<std::string> LoadSecret(const std::string& data_dir, const std::string& secret_file);

}  // namespace rapport
