// What gRPC's listeners and connections show of themselves, and what they want to see.
//
// gRPC watches the files itself and takes renewed ones for later connections. Those that do not go
// together end new connections until they are mended, where REST would keep the ones before.
//
// Threads: any.
#pragma once

#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <string>
#include <vector>

#include "services/runtime/tls/client_tls.h"
#include "services/runtime/tls/tls.h"

namespace rapport {

// Plain text where `tls` is null.
std::shared_ptr<grpc::ServerCredentials> ServerCredentials(const Tls* tls);

// For calls to other instances: shows this one's certificate, and believes whoever bears an
// instance's name, whatever its address: routes are not proof of who listens there. Null, plain
// text, where `tls` is null.
std::shared_ptr<grpc::ChannelCredentials> PeerCredentials(const std::shared_ptr<const Tls>& tls);

// For calls to a server by its address, which its certificate must bear; the files were checked by
// ClientTls::Load.
std::shared_ptr<grpc::ChannelCredentials> ClientCredentials(const ClientTlsOptions& files);

// The names of who is at the other end (runtime/tls/caller.h).
std::vector<std::string> PeerNames(const grpc::AuthContext& connection);

}  // namespace rapport
