// Imports rows through a Handler: many at once, answered in order, each exactly once. Knows no
// transport; REST and gRPC put one before it and one behind it.
//
//   Importer importer(handler, {.job = "2026-11", .run_after = …}, [](ImportResult result) {…});
//   for each row:
//     if (!importer.Push(number, method, std::move(request))) … wait for OnRoom before the next …
//   importer.Finish([](ImportCounts counts) {…});
//
// A row's request id is "<job>:<row>" unless it has one of its own, so a job that is run again
// repeats nothing. Rows that find a service away or overloaded are tried again until kRowTimeout.
//
// Threads: Push, PushError, OnRoom and Finish from one thread at a time; Cancel from any. Results
// and callbacks come on any thread, results one after the other. Calls that are still out when the
// importer goes are left to end by themselves; nothing is called back any more.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/runtime/base/clock.h"
#include "services/runtime/rpc/call.h"

namespace rapport {

// Rows that may be on their way at once: enough to fill the services' batches of a few partitions.
inline constexpr size_t kImportWindowRows = 512;
// And their size; only rows far above the usual come near it.
inline constexpr size_t kImportWindowBytes = 8 * 1024 * 1024;
// How long one row is tried, as long as any call may take.
inline constexpr absl::Duration kImportRowTimeout = absl::Seconds(30);
// Pauses between tries double from the first to the longest.
inline constexpr absl::Duration kImportFirstPause = absl::Milliseconds(50);
inline constexpr absl::Duration kImportLongestPause = absl::Seconds(2);
// A request id has 64 characters, of which a colon and the row take up to 20.
inline constexpr size_t kImportJobCharacters = 40;

struct ImportResult {
  int64_t row = 0;
  std::string name;     // of the resource; empty on error
  absl::Status status;  // as the service said it
  bool repeat = false;
};

struct ImportCounts {
  int64_t rows = 0;
  int64_t succeeded = 0;
  int64_t failed = 0;
};

class Importer {
 public:
  using RunAfter = std::function<void(absl::Duration, absl::AnyInvocable<void()>)>;
  using OnResult = absl::AnyInvocable<void(ImportResult)>;

  struct Options {
    std::string job;
    CallMetadata metadata;  // goes with every row; the deadline is the row's own
    RunAfter run_after;     // runs a task later, on any thread; may drop it at shutdown
    std::function<absl::Time()> now = SteadyNow;
    size_t window_rows = kImportWindowRows;
    size_t window_bytes = kImportWindowBytes;
    absl::Duration row_timeout = kImportRowTimeout;
  };

  // 1–40 characters of A–Z a–z 0–9 . _ -, otherwise INVALID_ARGUMENT.
  static absl::Status CheckJob(absl::string_view job);

  Importer(Handler* handler, Options options, OnResult on_result);
  // Cancels.
  ~Importer();
  Importer(const Importer&) = delete;

  // Takes a row in any case. False if the window is full now.
  bool Push(int64_t row, const google::protobuf::MethodDescriptor* method,
            std::unique_ptr<google::protobuf::Message> request);
  // A row that was wrong before it became a request; answered in its turn.
  bool PushError(int64_t row, absl::Status error);

  // Calls back once, when half the window is free; at once if it is.
  void OnRoom(absl::AnyInvocable<void()> callback);
  // Calls back once, after the last result. Nothing may be pushed afterwards.
  void Finish(absl::AnyInvocable<void(ImportCounts)> callback);
  // No more results, tries or callbacks: whoever wanted them has gone. One that is being called
  // back on another thread at this moment still ends.
  void Cancel();

 private:
  class State;
  const std::shared_ptr<State> state_;
};

}  // namespace rapport
