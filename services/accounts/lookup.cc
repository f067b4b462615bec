#include "services/accounts/lookup.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "rapport/accounts/v1/contact_point.pb.h"
#include "services/accounts/domain/contact_text.h"
#include "services/accounts/domain/external_id.h"
#include "services/runtime/base/resource_name.h"
#include "services/runtime/base/status.h"
#include "services/runtime/base/text.h"
#include "services/runtime/base/time.h"

namespace rapport::accounts {
namespace {

using v1::ContactPoint;
using v1::Customer;
using v1::CustomerMatch;

// A screen shows so many; who shares a switchboard's number is asked for a name.
constexpr size_t kMaxMatches = 50;
// Bounds the work of one look-up: a few milliseconds.
constexpr size_t kMaxContactPoints = 1'000;
// Of one customer, to know which is preferred.
constexpr size_t kMaxSiblings = 200;

struct Candidate {
  std::string contact_point;
  bool verified = false;
  bool preferred = false;
  absl::Time create_time;

  // The better one is the greater.
  auto Rank() const { return std::tuple(verified, preferred, create_time); }
};

absl::StatusOr<std::string> PhoneKey(const v1::LookupCustomersRequest& request) {
  const absl::StatusOr<PhoneNumber> phone = ParsePhone(request.phone(), request.region());
  if (phone.ok()) return phone->e164;
  const bool lost_plus = absl::StartsWith(request.phone(), " ");
  return InvalidField("phone", absl::StrCat(phone.status().message(),
                                            lost_plus ? "; in a URL, + is written %2B" : ""));
}

absl::StatusOr<std::string> EmailKey(const v1::LookupCustomersRequest& request) {
  const absl::StatusOr<std::string> email = ParseEmail(request.email());
  if (!email.ok()) return InvalidField("email", email.status().message());
  return FoldCase(*email);
}

absl::Status CheckKinds(const v1::LookupCustomersRequest& request) {
  std::vector<absl::string_view> kinds;
  if (!request.phone().empty()) kinds.push_back("phone");
  if (!request.email().empty()) kinds.push_back("email");
  if (request.has_external_id()) kinds.push_back("external_id");
  if (kinds.empty()) {
    return InvalidField("phone", "nothing is asked for; say one of phone, email and external_id");
  }
  if (kinds.size() > 1) {
    return InvalidField(kinds[1], absl::StrCat("is asked for beside ", kinds[0],
                                               "; ask for one of them at a time"));
  }
  if (request.phone().empty() && !request.region().empty()) {
    return InvalidField("region", "belongs to phone, which is empty; leave it out");
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> IsPreferred(const ContactPoint& point, const Projections& rows) {
  if (!point.has_prefer_time()) return false;
  ASSIGN_OR_RETURN(const std::vector<std::string> siblings,
                   rows.NamesUnder("contactPoints", ParentOf(point.name()), kMaxSiblings));
  for (const auto& name : siblings) {
    ASSIGN_OR_RETURN(const auto sibling, rows.Find<ContactPoint>("contactPoints", name));
    if (!sibling || sibling->has_delete_time()) continue;
    if (ToMicros(sibling->prefer_time()) > ToMicros(point.prefer_time())) return false;
  }
  return true;
}

// The best contact point of each customer, by the customer's name.
using Candidates = std::map<std::string, Candidate>;

absl::Status AddCandidate(const std::string& name, const Projections& rows,
                          Candidates* candidates) {
  ASSIGN_OR_RETURN(const auto point, rows.Find<ContactPoint>("contactPoints", name));
  if (!point || point->has_delete_time()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const bool preferred, IsPreferred(*point, rows));
  const Candidate candidate{.contact_point = name,
                            .verified = point->has_verification(),
                            .preferred = preferred,
                            .create_time = FromTimestamp(point->create_time())};
  const auto [best, added] = candidates->try_emplace(std::string(ParentOf(name)), candidate);
  if (!added && best->second.Rank() < candidate.Rank()) best->second = candidate;
  return absl::OkStatus();
}

CustomerMatch MatchOf(Customer customer, const Candidate& candidate, CustomerMatch::Reason kind) {
  CustomerMatch match;
  *match.mutable_customer() = std::move(customer);
  match.set_matched(candidate.contact_point);
  match.add_reasons(kind);
  if (candidate.verified) match.add_reasons(CustomerMatch::VERIFIED);
  if (candidate.preferred) match.add_reasons(CustomerMatch::PREFERRED);
  return match;
}

absl::StatusOr<v1::LookupCustomersResponse> LookupContact(const std::string& key,
                                                          CustomerMatch::Reason kind,
                                                          const Projections& rows) {
  ASSIGN_OR_RETURN(std::vector<std::string> names,
                   rows.NamesWith("contactPoints", "lookup_key", key, kMaxContactPoints + 1));
  v1::LookupCustomersResponse response;
  response.set_truncated(names.size() > kMaxContactPoints);
  names.resize(std::min(names.size(), kMaxContactPoints));
  Candidates candidates;
  for (const auto& name : names) RETURN_IF_ERROR(AddCandidate(name, rows, &candidates));

  std::vector<const Candidates::value_type*> ranked;
  for (const auto& candidate : candidates) ranked.push_back(&candidate);
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto* left, const auto* right) {
    return left->second.Rank() > right->second.Rank();
  });
  for (const auto* candidate : ranked) {
    ASSIGN_OR_RETURN(auto customer, rows.Find<Customer>("customers", candidate->first));
    if (!customer || customer->has_delete_time()) continue;
    if (response.matches_size() == static_cast<int>(kMaxMatches)) {
      response.set_truncated(true);
      break;
    }
    *response.add_matches() = MatchOf(*std::move(customer), candidate->second, kind);
  }
  return response;
}

absl::StatusOr<v1::LookupCustomersResponse> LookupExternalId(const v1::ExternalKey& key,
                                                             const Projections& rows) {
  RETURN_IF_ERROR(CheckKey(key, "external_id"));
  v1::LookupCustomersResponse response;
  ASSIGN_OR_RETURN(const auto link, rows.Find<v1::ExternalId>("externalIds", ExternalIdName(key)));
  if (!link || link->has_delete_time()) return response;
  ASSIGN_OR_RETURN(auto customer, rows.Find<Customer>("customers", link->customer()));
  // It may be there only once the upsert that made the external id is done.
  if (!customer || customer->has_delete_time()) return response;
  auto* match = response.add_matches();
  *match->mutable_customer() = *std::move(customer);
  match->set_matched(link->name());
  match->add_reasons(CustomerMatch::EXTERNAL_ID);
  return response;
}

}  // namespace

absl::StatusOr<v1::LookupCustomersResponse> LookupCustomers(
    const v1::LookupCustomersRequest& request, const Projections& rows) {
  RETURN_IF_ERROR(CheckKinds(request));
  if (request.has_external_id()) return LookupExternalId(request.external_id(), rows);
  if (!request.phone().empty()) {
    ASSIGN_OR_RETURN(const std::string key, PhoneKey(request));
    return LookupContact(key, CustomerMatch::PHONE, rows);
  }
  ASSIGN_OR_RETURN(const std::string key, EmailKey(request));
  return LookupContact(key, CustomerMatch::EMAIL, rows);
}

}  // namespace rapport::accounts
