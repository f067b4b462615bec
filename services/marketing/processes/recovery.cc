#include "services/marketing/processes/recovery.h"

#include "rapport/marketing/v1/profile.pb.h"
#include "rapport/marketing/v1/recovery.pb.h"
#include "rapport/sales/v1/activity.pb.h"
#include "rapport/service/v1/case.pb.h"
#include "services/runtime/base/money.h"
#include "services/runtime/base/time.h"

namespace rapport::marketing {
namespace {

using google::type::Money;
using Reactions = absl::StatusOr<std::vector<Reaction>>;

// A complaint that happened longer ago is history, imported today.
constexpr absl::Duration kNews = absl::Hours(7 * 24);
constexpr absl::Duration kCallWithin = absl::Hours(24);

std::vector<Reaction> None() {
  return {};
}

template <class Request>
std::vector<Reaction> One(const char* method, Request request) {
  std::vector<Reaction> reactions(1);
  reactions[0] = {method, std::make_unique<Request>(std::move(request))};
  return reactions;
}

// What the customer earned in this currency; nothing where no order says a margin in it.
std::optional<Money> MarginIn(const std::string& currency, const v1::SalesPart& sales) {
  for (const auto& sums : sales.purchases()) {
    if (sums.has_margin() && sums.margin().currency_code() == currency) return sums.margin();
  }
  return std::nullopt;
}

Reactions Trigger(const Money& threshold, const log::v1::Record& fact, const Parts& parts) {
  service::v1::CaseEvent event;
  if (!event.ParseFromString(fact.value()) || !event.has_created()) return None();
  if (event.created().case_().kind() != service::v1::Case::COMPLAINT) {
    return None();
  }
  if (FromTimestamp(fact.record_time()) - FromTimestamp(fact.occur_time()) > kNews) {
    return None();
  }
  ASSIGN_OR_RETURN(const auto sales, parts.Of<v1::SalesPart>("sales"));
  const auto margin = MarginIn(threshold.currency_code(), sales);
  if (!margin) return None();
  ASSIGN_OR_RETURN(const auto order, CompareMoney(*margin, threshold));
  if (std::is_lteq(order)) return None();
  ASSIGN_OR_RETURN(const auto accounts, parts.Of<v1::AccountsPart>("accounts"));

  v1::CreateRecoveryRequest request;
  request.set_parent(fact.root());
  request.mutable_recovery()->set_case_(fact.subject());
  *request.mutable_recovery()->mutable_margin() = *margin;
  *request.mutable_recovery()->mutable_threshold() = threshold;
  request.mutable_recovery()->set_owner(accounts.owner());
  return One("rapport.marketing.v1.Marketing.CreateRecovery", std::move(request));
}

Reactions FollowUp(const log::v1::Record& fact, const Parts&) {
  v1::RecoveryEvent event;
  if (!event.ParseFromString(fact.value()) || !event.has_created()) return None();
  const v1::Recovery& recovery = event.created().recovery();
  sales::v1::CreateActivityRequest request;
  request.set_parent(fact.root());
  auto& activity = *request.mutable_activity();
  activity.set_kind(sales::v1::Activity::CALL);
  activity.set_subject("Call about the complaint");
  activity.set_assignee(recovery.owner());
  activity.set_source(recovery.case_());
  *activity.mutable_due_time() = ToTimestamp(FromTimestamp(fact.record_time()) + kCallWithin);
  return One("rapport.sales.v1.Sales.CreateActivity", std::move(request));
}

}  // namespace

std::vector<ProcessSpec> RecoveryProcesses(const Money& threshold) {
  return {{.name = "recovery-trigger",
           .source = "service",
           .plural = "cases",
           .react = [threshold](const log::v1::Record& fact,
                                const Parts& parts) { return Trigger(threshold, fact, parts); }},
          {.name = "recovery-follow-up",
           .source = "marketing",
           .plural = "recoveries",
           .react = FollowUp}};
}

}  // namespace rapport::marketing
