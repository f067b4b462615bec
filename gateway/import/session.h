// rapport.gateway.v1.Gateway.Import: rows come as a stream of Create requests, answers go back in
// their order.
#pragma once

#include <memory>
#include <vector>

#include "gateway/import/importer.h"
#include "services/runtime/rpc/stream.h"

namespace rapport {

// A factory of sessions that run their rows through `handler`, which answers these services'
// methods. The factory and `run_after` outlive them.
StreamFactory ImportSessions(
    Handler* handler, const std::vector<const google::protobuf::ServiceDescriptor*>& services,
    Importer::RunAfter run_after);

}  // namespace rapport
