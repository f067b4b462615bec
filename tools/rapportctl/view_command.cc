// rapportctl view CUSTOMER [--json]
#include <google/protobuf/util/json_util.h>

#include <cstdio>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "rapport/gateway/v1/view.pb.h"
#include "services/runtime/base/money.h"
#include "services/runtime/base/resource_name.h"
#include "services/runtime/base/status.h"
#include "services/runtime/base/time.h"
#include "tools/rapportctl/columns.h"
#include "tools/rapportctl/command.h"
#include "tools/rapportctl/http.h"

namespace rapport {
namespace {

constexpr int kColumns = 100;

struct Flags {
  std::string server = "http://127.0.0.1:8080";
  std::string customer;
  bool json = false;
};

std::string When(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d %H:%M", FromTimestamp(time), absl::UTCTimeZone());
}

std::string On(const google::type::Date& date) {
  return absl::StrFormat("%04d-%02d-%02d", date.year(), date.month(), date.day());
}

// USD 4,596,039.58
std::string Amount(const google::type::Money& money) {
  std::string units = absl::StrCat(money.units() < 0 ? -money.units() : money.units());
  for (auto at = static_cast<int>(units.size()) - 3; at > 0; at -= 3) units.insert(at, ",");
  const int digits = CurrencyDigits(money.currency_code());
  const std::string nanos = absl::StrFormat("%09d", std::abs(money.nanos()));
  return absl::StrCat(money.currency_code(), " ", IsNegative(money) ? "-" : "", units,
                      digits > 0 ? "." : "", nanos.substr(0, digits));
}

std::string Lower(const std::string& enum_name) {
  std::string text = absl::AsciiStrToLower(enum_name);
  for (char& c : text) c = c == '_' ? ' ' : c;
  return text;
}

// One line, its last column cut to what is left of the width.
void Line(const std::vector<std::pair<std::string, int>>& columns, absl::string_view last) {
  std::string line = "  ";
  int left = kColumns - 2;
  for (const auto& [text, width] : columns) {
    absl::StrAppend(&line, Fit(text, width), "  ");
    left -= width + 2;
  }
  absl::StrAppend(&line, Cut(last, left));
  std::puts(std::string(absl::StripTrailingAsciiWhitespace(line)).c_str());
}

void Title(absl::string_view title, int count) {
  absl::PrintF("\n%s%s\n", title, count == 0 ? ": none" : "");
}

void Print(const accounts::v1::Customer& customer) {
  std::vector<std::string> roles;
  for (const int role : customer.roles()) {
    roles.push_back(
        Lower(accounts::v1::Customer::Role_Name(static_cast<accounts::v1::Customer::Role>(role))));
  }
  std::puts(Cut(customer.display_name(), kColumns).c_str());
  std::string facts = absl::StrCat(customer.name(), " · ",
                                   Lower(accounts::v1::Customer::Kind_Name(customer.kind())),
                                   roles.empty() ? "" : " · ", absl::StrJoin(roles, ", "),
                                   customer.owner().empty() ? "" : " · owner ", customer.owner());
  Line({}, facts);
  if (!customer.description().empty()) Line({}, customer.description());
  if (customer.has_delete_time()) {
    Line({}, absl::StrCat("DELETED on ", When(customer.delete_time())));
  }
}

void Print(const sales::v1::Order& order) {
  const std::string lines =
      absl::StrCat(order.lines_size(), order.lines_size() == 1 ? " line" : " lines");
  Line({{When(order.occur_time()), 16},
        {Lower(sales::v1::Order::State_Name(order.state())), 9},
        {absl::StrFormat("%20s", Amount(order.total())), 20},
        {absl::StrFormat("%9s", lines), 9}},
       absl::StrCat(IdOf(order.name()), order.sales_point().empty() ? "" : " at ",
                    order.sales_point()));
}

void Print(const service::v1::Case& one) {
  Line({{When(one.occur_time()), 16},
        {Lower(service::v1::Case::State_Name(one.state())), 9},
        {Lower(service::v1::Case::Kind_Name(one.kind())), 9},
        {Lower(service::v1::Case::Priority_Name(one.priority())), 6}},
       absl::StrCat(one.subject(), one.assignee().empty() ? "" : " · ", one.assignee()));
}

void Print(const service::v1::Interaction& one) {
  const bool inbound = one.direction() == service::v1::Interaction::INBOUND;
  Line({{When(one.occur_time()), 16},
        {Lower(service::v1::Interaction::Channel_Name(one.channel())), 12},
        {inbound ? "in" : "out", 3}},
       one.summary());
}

void Print(const gateway::v1::CampaignPart& part) {
  const auto& campaign = part.campaign();
  const std::string dates =
      campaign.has_start_date()
          ? absl::StrCat(On(campaign.start_date()), " to ", On(campaign.end_date()))
          : "";
  Line({{dates, 24},
        {Lower(marketing::v1::CampaignMembership::State_Name(part.membership().state())), 9}},
       campaign.display_name().empty() ? part.membership().campaign() : campaign.display_name());
}

template <class Part>
void PrintAll(absl::string_view title, const Part& parts) {
  Title(title, parts.size());
  for (const auto& part : parts) Print(part);
}

void Print(const gateway::v1::CustomerView& view) {
  Print(view.customer());
  PrintAll("Orders", view.orders());
  PrintAll("Cases", view.cases());
  PrintAll("Interactions", view.interactions());
  PrintAll("Campaigns", view.campaigns());
  if (view.missing_parts().empty()) return;
  Title("Missing just now", view.missing_parts_size());
  for (const auto& part : view.missing_parts()) Line({{part.part(), 14}}, part.status().message());
}

absl::Status View(const Flags& flags) {
  ASSIGN_OR_RETURN(const ServerAddress server, ParseServer(flags.server));
  const std::string name = absl::StartsWith(flags.customer, "customers/")
                               ? flags.customer
                               : absl::StrCat("customers/", flags.customer);
  ASSIGN_OR_RETURN(const std::string json,
                   HttpGet(server, absl::StrCat("/v1/", EscapePath(name), "/view")));
  if (flags.json) {
    std::puts(json.c_str());
    return absl::OkStatus();
  }
  gateway::v1::CustomerView view;
  google::protobuf::util::JsonParseOptions newer_server;
  newer_server.ignore_unknown_fields = true;
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, &view, newer_server);
  if (!parsed.ok()) {
    return absl::DataLossError(
        absl::StrCat("the server's answer is no view: ", std::string(parsed.message())));
  }
  Print(view);
  return absl::OkStatus();
}

}  // namespace

void AddViewCommand(CLI::App& app, int* exit_code) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("view", "Show all that is known of one customer");
  command->set_version_flag("--version", "rapportctl " RAPPORT_VERSION);
  command->add_option("--server", flags->server, "The server's REST address")
      ->envname("RAPPORT_SERVER")
      ->capture_default_str();
  command->add_flag("--json", flags->json, "As the server answers it");
  command->add_option("CUSTOMER", flags->customer, "customers/household-1, or its id")->required();
  command->callback([flags, exit_code] { *exit_code = Conclude(View(*flags)); });
}

}  // namespace rapport
