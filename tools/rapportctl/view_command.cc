// rapportctl view CUSTOMER [--json], or --phone NUMBER [--region DE] or --email ADDRESS instead
#include <google/protobuf/util/json_util.h>

#include <cstdio>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/runtime/base/status.h"
#include "tools/rapportctl/command.h"
#include "tools/rapportctl/http.h"
#include "tools/rapportctl/server_flags.h"
#include "tools/rapportctl/view_print.h"

namespace rapport {
namespace {

struct Flags {
  RestFlags rest;
  std::string customer;
  std::string phone;
  std::string region;
  std::string email;
  bool json = false;
};

template <class Answer>
absl::StatusOr<Answer> ParseAnswer(const std::string& json) {
  Answer answer;
  google::protobuf::util::JsonParseOptions newer_server;
  newer_server.ignore_unknown_fields = true;
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, &answer, newer_server);
  if (parsed.ok()) return answer;
  return absl::DataLossError(
      absl::StrCat("the server's answer is no view: ", std::string(parsed.message())));
}

absl::Status CheckFlags(const Flags& flags) {
  const int said = (flags.customer.empty() ? 0 : 1) + (flags.phone.empty() ? 0 : 1) +
                   (flags.email.empty() ? 0 : 1);
  if (said != 1) {
    return absl::InvalidArgumentError("say one of CUSTOMER, --phone and --email");
  }
  if (flags.phone.empty() && !flags.region.empty()) {
    return absl::InvalidArgumentError("--region belongs to --phone; leave it out");
  }
  return absl::OkStatus();
}

// The path and query of what is asked.
std::string TargetOf(const Flags& flags) {
  if (!flags.email.empty()) {
    return absl::StrCat("/v1/customers:view?email=", EscapePath(flags.email));
  }
  if (!flags.phone.empty()) {
    return absl::StrCat("/v1/customers:view?phone=", EscapePath(flags.phone),
                        flags.region.empty() ? "" : "&region=", EscapePath(flags.region));
  }
  const bool named = absl::StartsWith(flags.customer, "customers/");
  return absl::StrCat("/v1/", named ? "" : "customers/", EscapePath(flags.customer), "/view");
}

absl::Status View(const Flags& flags) {
  RETURN_IF_ERROR(CheckFlags(flags));
  ASSIGN_OR_RETURN(const ServerAddress server, ParseServer(flags.rest.server, flags.rest.tls));
  ASSIGN_OR_RETURN(const std::string json, HttpGet(server, TargetOf(flags)));
  if (flags.json) {
    std::puts(json.c_str());
    return absl::OkStatus();
  }
  if (!flags.customer.empty()) {
    ASSIGN_OR_RETURN(const auto view, ParseAnswer<gateway::v1::CustomerView>(json));
    PrintView(view);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const auto found, ParseAnswer<gateway::v1::LookupCustomerViewResponse>(json));
  if (found.matches().empty()) {
    return absl::NotFoundError(
        "nobody is reached there; name the customer instead: rapportctl view CUSTOMER");
  }
  PrintFound(found);
  return absl::OkStatus();
}

}  // namespace

void AddViewCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("view", "Show all that is known of one customer");
  command->set_version_flag("--version", "rapportctl " RAPPORT_VERSION);
  AddRestFlags(*command, &flags->rest);
  command->add_flag("--json", flags->json, "As the server answers it");
  command->add_option("CUSTOMER", flags->customer, "customers/household-1, or its id");
  command->add_option("--phone", flags->phone, "Who is reached there: +49 30 901820");
  command->add_option("--region", flags->region, "Where --phone is dialled as it stands: DE");
  command->add_option("--email", flags->email, "Who is reached there");
  command->callback([flags, exit_code] { *exit_code = Conclude(View(*flags)); });
}

}  // namespace rapport
