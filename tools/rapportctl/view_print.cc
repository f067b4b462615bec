#include "tools/rapportctl/view_print.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "services/runtime/base/money.h"
#include "services/runtime/base/resource_name.h"
#include "services/runtime/base/time.h"
#include "tools/rapportctl/columns.h"

namespace rapport {
namespace {

using accounts::v1::ContactPoint;
using accounts::v1::CustomerMatch;
using accounts::v1::Relationship;
using gateway::v1::CustomerView;
using google::protobuf::RepeatedPtrField;

constexpr int kColumns = 100;

std::string When(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d %H:%M", FromTimestamp(time), absl::UTCTimeZone());
}

std::string On(const google::type::Date& date) {
  return absl::StrFormat("%04d-%02d-%02d", date.year(), date.month(), date.day());
}

// USD 4,596,039.58
std::string Amount(const google::type::Money& money) {
  std::string units = absl::StrCat(money.units() < 0 ? -money.units() : money.units());
  for (auto at = static_cast<int>(units.size()) - 3; at > 0; at -= 3)
    units.insert(static_cast<size_t>(at), 1, ',');
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

void Print(const sales::v1::Opportunity& one) {
  Line({{When(one.occur_time()), 16},
        {Lower(sales::v1::Opportunity::State_Name(one.state())), 4},
        {one.has_amount() ? absl::StrFormat("%20s", Amount(one.amount())) : "", 20},
        {one.stage(), 14}},
       one.display_name());
}

void Print(const Relationship& one) {
  Line({{Lower(Relationship::Type_Name(one.type())), 19}, {one.object(), 36}},
       absl::StrCat(one.has_from_date() ? absl::StrCat("from ", On(one.from_date()), " ") : "",
                    one.has_to_date() ? absl::StrCat("to ", On(one.to_date())) : ""));
}

std::string AddressOf(const google::type::PostalAddress& post) {
  std::vector<std::string> parts(post.address_lines().begin(), post.address_lines().end());
  for (const std::string& part : {post.postal_code(), post.locality(), post.region_code()}) {
    if (!part.empty()) parts.push_back(part);
  }
  return absl::StrJoin(parts, ", ");
}

// Its kind and where that is.
std::pair<std::string, std::string> AddressOf(const ContactPoint& point) {
  switch (point.address_case()) {
    case ContactPoint::kPhone: {
      const std::string& extension = point.phone().extension();
      return {"phone", absl::StrCat(point.phone().number(), extension.empty() ? "" : " extension ",
                                    extension)};
    }
    case ContactPoint::kEmail:
      return {"e-mail", point.email()};
    case ContactPoint::kPostalAddress:
      return {"post", AddressOf(point.postal_address())};
    case ContactPoint::kMessagingHandle:
      return {point.messaging_handle().network(), point.messaging_handle().handle()};
    case ContactPoint::ADDRESS_NOT_SET:
      break;
  }
  return {};
}

void Print(const ContactPoint& point, bool preferred) {
  std::vector<std::string> facts;
  if (preferred) facts.emplace_back("preferred");
  if (point.has_verification()) facts.emplace_back("verified");
  if (!point.display_name().empty()) facts.push_back(point.display_name());
  const auto [kind, address] = AddressOf(point);
  Line({{kind, 9}, {address, 46}}, absl::StrJoin(facts, ", "));
}

void PrintAll(const RepeatedPtrField<ContactPoint>& points) {
  // The latest wish holds.
  const auto preferred = std::max_element(
      points.begin(), points.end(), [](const ContactPoint& left, const ContactPoint& right) {
        return ToMicros(left.prefer_time()) < ToMicros(right.prefer_time());
      });
  for (auto point = points.begin(); point != points.end(); ++point) {
    Print(*point, point == preferred && point->has_prefer_time());
  }
}

template <class Part>
void PrintAll(const RepeatedPtrField<Part>& parts) {
  for (const Part& part : parts) Print(part);
}

// "revenue USD 10.00 + EUR 3.00"; empty where there is none.
template <class Sums, class Get>
std::string Sum(absl::string_view what, const Sums& sums, Get get) {
  std::vector<std::string> amounts;
  for (const auto& sum : sums) {
    const google::type::Money& money = get(sum);
    if (!money.currency_code().empty()) amounts.push_back(Amount(money));
  }
  return amounts.empty() ? "" : absl::StrCat(what, " ", absl::StrJoin(amounts, " + "));
}

// One line of figures; those that are not there are left out.
void Figures(const char* of, std::vector<std::string> figures) {
  figures.erase(std::remove(figures.begin(), figures.end(), ""), figures.end());
  Line({{of, 10}}, absl::StrJoin(figures, " · "));
}

void Print(const marketing::v1::CustomerProfile& profile) {
  using marketing::v1::PurchaseSums;
  const auto& purchases = profile.purchases();
  Figures("orders",
          {absl::StrCat(profile.order_count()),
           Sum("revenue", purchases, [](const PurchaseSums& it) { return it.revenue(); }),
           Sum("returned", purchases, [](const PurchaseSums& it) { return it.returned(); }),
           Sum("margin", purchases, [](const PurchaseSums& it) { return it.margin(); }),
           profile.has_last_purchase_time()
               ? absl::StrCat("last on ", When(profile.last_purchase_time()))
               : ""});
  Figures("cases", {absl::StrCat(profile.open_cases(), " open"),
                    absl::StrCat(profile.resolved_cases(), " resolved"),
                    absl::StrCat(profile.complaints(), " complaints")});
  std::vector<std::string> contacts;
  for (const auto& [channel, count] : profile.contacts()) {
    contacts.push_back(absl::StrCat(count, " ", Lower(channel)));
  }
  std::sort(contacts.begin(), contacts.end());
  Figures(
      "contacts",
      {contacts.empty() ? "none" : absl::StrJoin(contacts, ", "),
       Sum("cost", profile.contact_costs(), [](const google::type::Money& it) { return it; }),
       profile.has_mean_sentiment() ? absl::StrFormat("sentiment %.2f", profile.mean_sentiment())
                                    : "",
       profile.has_last_sentiment() ? absl::StrFormat("lately %.2f", profile.last_sentiment())
                                    : ""});
  Figures("campaigns", {absl::StrCat(profile.campaigns()),
                        absl::StrCat(profile.campaign_responses(), " responses"),
                        absl::StrCat(profile.campaign_conversions(), " conversions")});
}

// Whether the part `field` is known: neither missing nor of a service that is not installed.
bool IsKnown(const CustomerView& view, absl::string_view field) {
  const auto is_field = [field](const auto& part) { return part == field; };
  return std::none_of(view.not_installed().begin(), view.not_installed().end(), is_field) &&
         std::none_of(view.missing_parts().begin(), view.missing_parts().end(),
                      [&](const auto& part) { return is_field(part.part()); });
}

template <class Part>
void PrintPart(const CustomerView& view, const char* field, const RepeatedPtrField<Part>& parts) {
  if (!IsKnown(view, field)) return;
  std::string title = Lower(field);
  title[0] = absl::ascii_toupper(static_cast<unsigned char>(title[0]));
  Title(title, parts.size());
  PrintAll(parts);
}

void PrintGaps(const CustomerView& view) {
  if (!view.missing_parts().empty()) {
    Title("Missing just now", view.missing_parts_size());
    for (const auto& part : view.missing_parts()) {
      Line({{Lower(part.part()), 14}}, part.status().message());
    }
  }
  if (!view.not_installed().empty()) {
    Title("Not installed", view.not_installed_size());
    Line({}, Lower(absl::StrJoin(view.not_installed(), ", ")));
  }
}

std::string ReasonsOf(const CustomerMatch& match) {
  std::vector<std::string> reasons;
  for (const int reason : match.reasons()) {
    reasons.push_back(
        Lower(CustomerMatch::Reason_Name(static_cast<CustomerMatch::Reason>(reason))));
  }
  return absl::StrJoin(reasons, ", ");
}

}  // namespace

void PrintView(const CustomerView& view) {
  if (IsKnown(view, "customer")) Print(view.customer());
  if (IsKnown(view, "profile")) {
    Title("Figures", view.has_profile() ? 1 : 0);
    if (view.has_profile()) Print(view.profile());
  }
  PrintPart(view, "contact_points", view.contact_points());
  PrintPart(view, "relationships", view.relationships());
  PrintPart(view, "opportunities", view.opportunities());
  PrintPart(view, "orders", view.orders());
  PrintPart(view, "cases", view.cases());
  PrintPart(view, "interactions", view.interactions());
  PrintPart(view, "campaigns", view.campaigns());
  PrintGaps(view);
}

void PrintFound(const gateway::v1::LookupCustomerViewResponse& found) {
  absl::PrintF("Found by %s: %s\n", ReasonsOf(found.matches(0)), found.matches(0).matched());
  PrintView(found.view());
  if (found.matches_size() == 1) return;
  Title(found.truncated() ? "It may also be, among others" : "It may also be", 1);
  for (int i = 1; i < found.matches_size(); ++i) {
    const CustomerMatch& match = found.matches(i);
    Line({{match.customer().display_name(), 36}, {match.customer().name(), 36}}, ReasonsOf(match));
  }
}

}  // namespace rapport
