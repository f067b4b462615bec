// Keeps a data folder for one process: two would write over each other's projections.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace rapport {

// Held until it is destroyed, or the process ends in whichever way.
class FolderLock {
 public:
  // UNAVAILABLE where another process has the folder, or it cannot be written to.
  static absl::StatusOr<FolderLock> Take(const std::string& folder);

  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;
  ~FolderLock();

 private:
  explicit FolderLock(int file) : file_(file) {}
  int file_;
};

}  // namespace rapport
