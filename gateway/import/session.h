// rapport.gateway.v1.Gateway.Import: rows come as a stream of Create requests, answers go back in
// their order.
#pragma once

#include <memory>

#include "gateway/import/importer.h"
#include "services/runtime/rpc/stream.h"

namespace rapport {

// A factory of sessions that run their rows through `handler`. `run_after` outlives them.
StreamFactory ImportSessions(Handler* handler, Importer::RunAfter run_after);

}  // namespace rapport
