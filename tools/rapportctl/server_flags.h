// The flags that say where a running server is, and how to speak TLS with it.
#pragma once

#include <string>

#include "services/runtime/tls/client_tls.h"

namespace CLI {
class App;
}

namespace rapport {

struct RestFlags {
  std::string server = "http://127.0.0.1:8080";
  ClientTlsOptions tls;
};

// Every flag has an environment variable: --tls-ca is RAPPORT_TLS_CA.
void AddTlsFlags(CLI::App& app, ClientTlsOptions* tls);
// --server, and the flags of TLS.
void AddRestFlags(CLI::App& app, RestFlags* flags);

}  // namespace rapport
