// The REST front of Rapport: HTTP/1.1 over TCP or TLS, JSON in and out, routes from
// google.api.http.
//
//   ASSIGN_OR_RETURN(auto routes, Routes::Build(services));
//   ASSIGN_OR_RETURN(auto server, HttpServer::Start({.port = 8080}, std::move(routes), handler));
//   …
//   server->Shutdown(absl::Seconds(10));
//
// Answers one request of a connection after the other, in order, so pipelining is safe. Besides
// the routes: /healthz, /readyz, the files of its options, and POST {collection}:import?job=…,
// which streams NDJSON both ways (README.md).
//
// Threads: all functions from any thread. `handler` is called on the io threads and may answer on
// any; it outlives the server, and calls it still holds after Shutdown's deadline may be finished
// later without harm.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/rest/http_error.h"
#include "gateway/rest/routes.h"
#include "services/runtime/rpc/call.h"
#include "services/runtime/tls/tls.h"

namespace rapport::rest {

// A request's first line and headers; callers send well under 1 KiB, tokens up to 4 KiB.
inline constexpr uint32_t kMaxHeaderBytes = 16 * 1024;
// A request's body, except an import's: far above the largest resource (64 KiB) or batch.
inline constexpr uint64_t kMaxBodyBytes = 4 * 1024 * 1024;
// Each open connection costs some 20 KiB, over TLS some 80; above this, balance over more gateways.
inline constexpr int kMaxConnections = 1'024;
// Connections over the limit that are being told so; beyond, they are just closed.
inline constexpr int kMaxRefusals = 128;
// Imports at once: each may hold 8 MiB of rows and 16 MiB of results, and a few fill the services.
inline constexpr int kMaxImports = 16;
// How long one connection may stay silent between requests.
inline constexpr absl::Duration kIdleTimeout = absl::Seconds(60);
// From a request's first byte to the end of its headers; for a handshake of TLS.
inline constexpr absl::Duration kHeaderTimeout = absl::Seconds(10);
// For the whole body of a normal request; for each piece of an import's.
inline constexpr absl::Duration kBodyTimeout = absl::Seconds(30);
// For an answer, or each piece of an import's, to be taken by the client.
inline constexpr absl::Duration kWriteTimeout = absl::Seconds(30);
// After an answer that ends the connection: what the client still sends is thrown away for this
// long, since closing at once would reset the connection before it has read the answer.
inline constexpr absl::Duration kLingerTimeout = absl::Seconds(2);
// The deadline of a call.
inline constexpr absl::Duration kCallTimeout = absl::Seconds(30);

class HttpServer {
 public:
  struct Options {
    std::string address = "127.0.0.1";
    int port = 0;  // 0: any free one, see port()
    int threads = 2;
    int max_connections = kMaxConnections;
    uint64_t max_body_bytes = kMaxBodyBytes;
    absl::Duration idle_timeout = kIdleTimeout;
    absl::Duration header_timeout = kHeaderTimeout;
    absl::Duration body_timeout = kBodyTimeout;
    absl::Duration write_timeout = kWriteTimeout;
    absl::Duration linger_timeout = kLingerTimeout;
    absl::Duration call_timeout = kCallTimeout;
    // Null: plain text. Otherwise nothing but TLS, and where it asks callers for certificates these
    // say who acts (services/runtime/tls/caller.h).
    std::shared_ptr<Tls> tls;
    // Whether /readyz and /healthz say 200; called on the io threads, must not block.
    std::function<bool()> ready = [] { return true; };
    std::function<absl::Status()> alive = [] { return absl::OkStatus(); };
    // What a GET or HEAD of a path answers, whatever its query: documents that never change.
    std::map<std::string, HttpResponse, std::less<>> files;
  };

  // Listens and serves. UNAVAILABLE if the address cannot be had.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(Options options, Routes routes,
                                                           Handler* handler);
  // Shutdown at once.
  ~HttpServer();

  int port() const;
  int connections() const;

  // Stops accepting, closes idle connections, lets what runs finish until the deadline, then
  // closes the rest. Blocks; later calls do nothing.
  void Shutdown(absl::Duration deadline);

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace rapport::rest
