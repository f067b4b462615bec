// Backups of a running server, one after another, of which the newest are kept.
//
// A backup is a data folder: whoever starts on a copy of it has what the server had then. It is
// made beside its place and put there when it is whole; files that never change are linked, so that
// it costs little as long as it is on the same file system.
//
// Threads: one of its own, which calls `make`.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace rapport {

struct BackupOptions {
  std::string folder;  // empty: none are made
  absl::Duration every = absl::Minutes(60);
  int keep = 2;
};

class Backups {
 public:
  // Fills a folder that is there and empty.
  using Make = std::function<absl::Status(const std::string& folder)>;

  // The first one is made at once.
  Backups(BackupOptions options, Make make);
  ~Backups() { Stop(); }
  // Waits for the one under way; no other is begun.
  void Stop();

  // When the newest that is whole was made; the past where none was, since the start.
  absl::Time newest() const;

 private:
  void Run();
  absl::Status MakeOne();
  void RemoveOld() const;

  const BackupOptions options_;
  const Make make_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  absl::Time newest_ = absl::InfinitePast();
  std::thread thread_;
};

}  // namespace rapport
