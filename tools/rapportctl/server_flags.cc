#include "tools/rapportctl/server_flags.h"

#include "CLI/CLI.hpp"

namespace rapport {

void AddTlsFlags(CLI::App& app, ClientTlsOptions* tls) {
  app.add_option("--tls-ca", tls->ca,
                 "PEM file: the CAs that sign the server's certificate; otherwise those that the "
                 "system knows")
      ->envname("RAPPORT_TLS_CA");
  app.add_option("--tls-certificate", tls->certificate,
                 "PEM file: what is shown to a server that asks for a certificate")
      ->envname("RAPPORT_TLS_CERTIFICATE");
  app.add_option("--tls-key", tls->key, "PEM file: its key, without a password")
      ->envname("RAPPORT_TLS_KEY");
}

void AddRestFlags(CLI::App& app, RestFlags* flags) {
  app.add_option("--server", flags->server, "The server's REST address; https:// speaks TLS")
      ->envname("RAPPORT_SERVER")
      ->capture_default_str();
  AddTlsFlags(app, &flags->tls);
}

}  // namespace rapport
