// gRPC's own complaints as lines of ours (runtime/base/log_line.h), event=grpc.
//
// At most one a second, with how many went unsaid: it says one for each handshake that fails, and
// whoever can reach the port could fill a disk with them.
#pragma once

namespace rapport {

// For the whole process; to call it again changes nothing.
void TakeGrpcLog();

}  // namespace rapport
