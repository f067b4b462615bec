#include "services/runtime/rpc/grpc_log.h"

#include <grpc/support/log.h>

#include <atomic>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/time/clock.h"
#include "services/runtime/base/log_line.h"

namespace rapport {
namespace {

void LogGrpc(gpr_log_func_args* said) {
  static std::atomic<int64_t> last = 0;
  static std::atomic<int64_t> unsaid = 0;
  const int64_t second = absl::ToUnixSeconds(absl::Now());
  if (last.exchange(second) == second) {
    ++unsaid;
    return;
  }
  const Level level = said->severity == GPR_LOG_SEVERITY_ERROR ? Level::kWarning : Level::kInfo;
  Log(level, "grpc",
      {{"message", absl::StripAsciiWhitespace(said->message)},
       {"unsaid", std::to_string(unsaid.exchange(0))}});
}

}  // namespace

void TakeGrpcLog() {
  gpr_set_log_function(LogGrpc);
}

}  // namespace rapport
