#include "services/marketing/projections/profile.h"

#include <algorithm>

#include "google/protobuf/empty.pb.h"
#include "rapport/accounts/v1/customer.pb.h"
#include "rapport/marketing/v1/campaign_membership.pb.h"
#include "rapport/marketing/v1/profile.pb.h"
#include "rapport/sales/v1/order.pb.h"
#include "rapport/service/v1/case.pb.h"
#include "rapport/service/v1/interaction.pb.h"
#include "services/runtime/base/money.h"
#include "services/runtime/base/resource_name.h"
#include "services/runtime/base/time.h"

namespace rapport::marketing {
namespace {

using google::protobuf::Empty;
using google::protobuf::FieldMask;
using google::protobuf::Timestamp;
using google::type::Money;

// Adds, or takes away where `sign` is -1. An absent sum is zero.
void Add(int sign, const Money& more, Money* sum) {
  if (sum->currency_code().empty()) sum->set_currency_code(more.currency_code());
  const auto result = sign > 0 ? AddMoney(*sum, more) : SubtractMoney(*sum, more);
  if (result.ok()) *sum = *result;
}

bool Names(const FieldMask& mask, const std::string& field) {
  return std::any_of(mask.paths().begin(), mask.paths().end(), [&field](const std::string& path) {
    return path.substr(0, path.find('.')) == field;
  });
}

// --- accounts: who looks after the customer

void FoldAccounts(v1::AccountsPart& part, Empty&, const log::v1::Record& record) {
  if (record.subject() != record.root()) return;
  accounts::v1::CustomerEvent event;
  if (!event.ParseFromString(record.value())) return;
  part.set_known(true);
  if (event.has_created()) part.set_owner(event.created().customer().owner());
  if (event.has_updated() && Names(event.updated().update_mask(), "owner")) {
    part.set_owner(event.updated().customer().owner());
  }
}

// --- sales: what was bought

v1::PurchaseSums* SumsOf(v1::SalesPart& part, const std::string& currency) {
  auto& all = *part.mutable_purchases();
  auto at = std::find_if(all.begin(), all.end(), [&currency](const v1::PurchaseSums& sums) {
    return sums.revenue().currency_code() >= currency;
  });
  if (at != all.end() && at->revenue().currency_code() == currency) return &*at;
  const auto index = static_cast<int>(at - all.begin());
  all.Add()->mutable_revenue()->set_currency_code(currency);
  for (int i = all.size() - 1; i > index; --i) all.SwapElements(i, i - 1);
  return all.Mutable(index);
}

void Count(int sign, const v1::SalesNote& note, v1::SalesPart& part) {
  if (!note.has_total() || note.cancelled()) return;
  part.set_order_count(part.order_count() + sign);
  v1::PurchaseSums* sums = SumsOf(part, note.total().currency_code());
  Add(sign, note.total(), sums->mutable_revenue());
  if (note.has_returned()) Add(sign, note.returned(), sums->mutable_returned());
  if (note.has_margin()) {
    Add(sign, note.margin(), sums->mutable_margin());
  } else {
    part.set_orders_without_margin(part.orders_without_margin() + sign);
  }
}

void FoldSales(v1::SalesPart& part, v1::SalesNote& note, const log::v1::Record& record) {
  if (CollectionOf(record.subject()) != "orders") return;
  sales::v1::OrderEvent event;
  if (!event.ParseFromString(record.value())) return;
  Count(-1, note, part);
  if (event.has_created()) {
    const auto& order = event.created().order();
    *note.mutable_total() = order.total();
    if (order.has_margin()) *note.mutable_margin() = order.margin();
    const Timestamp& time = record.occur_time();
    if (!part.has_first_purchase_time() || ToMicros(time) < ToMicros(part.first_purchase_time())) {
      *part.mutable_first_purchase_time() = time;
    }
    *part.mutable_last_purchase_time() = Later(part.last_purchase_time(), time);
  }
  if (event.has_cancelled()) note.set_cancelled(true);
  if (event.has_returned()) {
    *note.mutable_returned() = event.returned().returned_total();
    if (event.returned().has_margin()) *note.mutable_margin() = event.returned().margin();
  }
  Count(+1, note, part);
}

// --- service: how the customer was helped

void Count(int sign, const v1::ServiceNote& note, v1::ServicePart& part) {
  if (note.deleted()) return;
  if (note.is_case()) {
    if (note.resolved()) {
      part.set_resolved_cases(part.resolved_cases() + sign);
    } else {
      part.set_open_cases(part.open_cases() + sign);
    }
    if (note.complaint()) part.set_complaints(part.complaints() + sign);
  }
  if (note.channel().empty()) return;
  int64_t& contacts = (*part.mutable_contacts())[note.channel()];
  contacts += sign;
  if (contacts == 0) part.mutable_contacts()->erase(note.channel());
  if (note.has_cost()) {
    auto& costs = *part.mutable_contact_costs();
    auto cost = std::find_if(costs.begin(), costs.end(), [&note](const Money& money) {
      return money.currency_code() == note.cost().currency_code();
    });
    Add(sign, note.cost(), cost == costs.end() ? costs.Add() : &*cost);
    std::sort(costs.begin(), costs.end(), [](const Money& left, const Money& right) {
      return left.currency_code() < right.currency_code();
    });
  }
  if (note.has_sentiment()) {
    part.set_sentiment_sum(part.sentiment_sum() + sign * note.sentiment());
    part.set_sentiment_count(part.sentiment_count() + sign);
  }
}

void FoldCase(v1::ServiceNote& note, const log::v1::Record& record) {
  using service::v1::Case;
  using service::v1::CaseEvent;
  CaseEvent event;
  if (!event.ParseFromString(record.value())) return;
  note.set_is_case(true);
  if (event.has_created()) note.set_complaint(event.created().case_().kind() == Case::COMPLAINT);
  if (event.has_updated() && Names(event.updated().update_mask(), "kind")) {
    note.set_complaint(event.updated().case_().kind() == Case::COMPLAINT);
  }
  if (event.has_resolved()) note.set_resolved(true);
  if (event.has_reopened()) note.set_resolved(false);
  if (event.has_deleted()) note.set_deleted(true);
  if (event.has_undeleted()) note.set_deleted(false);
}

void NoteInteraction(const service::v1::Interaction& interaction, bool channel, bool cost,
                     bool sentiment, v1::ServiceNote& note) {
  if (channel) {
    note.set_channel(service::v1::Interaction::Channel_Name(interaction.channel()));
  }
  if (cost) {
    note.clear_cost();
    if (interaction.has_cost()) *note.mutable_cost() = interaction.cost();
  }
  if (sentiment) {
    note.clear_sentiment();
    if (interaction.has_sentiment()) note.set_sentiment(interaction.sentiment().value());
  }
}

void FoldInteraction(v1::ServiceNote& note, const log::v1::Record& record) {
  service::v1::InteractionEvent event;
  if (!event.ParseFromString(record.value())) return;
  if (event.has_created()) {
    NoteInteraction(event.created().interaction(), true, true, true, note);
  }
  if (event.has_updated()) {
    const FieldMask& mask = event.updated().update_mask();
    NoteInteraction(event.updated().interaction(), Names(mask, "channel"), Names(mask, "cost"),
                    Names(mask, "sentiment"), note);
  }
  if (event.has_deleted()) note.set_deleted(true);
  if (event.has_undeleted()) note.set_deleted(false);
}

void FoldService(v1::ServicePart& part, v1::ServiceNote& note, const log::v1::Record& record) {
  const absl::string_view collection = CollectionOf(record.subject());
  if (collection != "cases" && collection != "interactions") return;
  if (note.ByteSizeLong() > 0) Count(-1, note, part);
  if (collection == "cases") {
    FoldCase(note, record);
  } else {
    FoldInteraction(note, record);
  }
  Count(+1, note, part);
  if (note.has_sentiment() && !note.deleted() &&
      ToMicros(record.occur_time()) >= ToMicros(part.last_sentiment_time())) {
    part.set_last_sentiment(note.sentiment());
    *part.mutable_last_sentiment_time() = record.occur_time();
  }
}

// --- marketing: what was offered, and what came of it

void Count(int sign, const v1::MarketingNote& note, v1::MarketingPart& part) {
  if (!note.member() || note.deleted()) return;
  part.set_campaigns(part.campaigns() + sign);
  if (note.responded()) part.set_responses(part.responses() + sign);
  if (note.converted()) part.set_conversions(part.conversions() + sign);
}

void FoldMarketing(v1::MarketingPart& part, v1::MarketingNote& note,
                   const log::v1::Record& record) {
  if (CollectionOf(record.subject()) != "campaignMemberships") return;
  v1::CampaignMembershipEvent event;
  if (!event.ParseFromString(record.value())) return;
  Count(-1, note, part);
  note.set_member(true);
  if (event.has_responded()) note.set_responded(true);
  if (event.has_converted()) note.set_converted(true);
  if (event.has_deleted()) note.set_deleted(true);
  if (event.has_undeleted()) note.set_deleted(false);
  Count(+1, note, part);
}

template <class Part, class Note, void (*fold)(Part&, Note&, const log::v1::Record&)>
JoinSpec MakeJoin(const char* service, int number) {
  return {.service = service,
          .number = number,
          .part = Part::descriptor(),
          .note = Note::descriptor(),
          .fold = [](Message& part, Message& note, const log::v1::Record& record) {
            fold(static_cast<Part&>(part), static_cast<Note&>(note), record);
          }};
}

}  // namespace

std::vector<JoinSpec> ProfileJoins() {
  return {MakeJoin<v1::AccountsPart, Empty, FoldAccounts>("accounts", 0),
          MakeJoin<v1::SalesPart, v1::SalesNote, FoldSales>("sales", 1),
          MakeJoin<v1::ServicePart, v1::ServiceNote, FoldService>("service", 2),
          MakeJoin<v1::MarketingPart, v1::MarketingNote, FoldMarketing>("marketing", 3)};
}

absl::StatusOr<std::string> ReadProfile(const Message&, const Parts& parts) {
  ASSIGN_OR_RETURN(const auto accounts, parts.Of<v1::AccountsPart>("accounts"));
  ASSIGN_OR_RETURN(const auto sales, parts.Of<v1::SalesPart>("sales"));
  ASSIGN_OR_RETURN(const auto service, parts.Of<v1::ServicePart>("service"));
  ASSIGN_OR_RETURN(const auto marketing, parts.Of<v1::MarketingPart>("marketing"));
  if (accounts.ByteSizeLong() + sales.ByteSizeLong() + service.ByteSizeLong() +
          marketing.ByteSizeLong() ==
      0) {
    return NotFound(parts.root());
  }
  v1::CustomerProfile profile;
  profile.set_name(absl::StrCat(parts.root(), "/profile"));
  profile.set_owner(accounts.owner());
  profile.set_order_count(sales.order_count());
  *profile.mutable_purchases() = sales.purchases();
  profile.set_orders_without_margin(sales.orders_without_margin());
  if (sales.has_first_purchase_time()) {
    *profile.mutable_first_purchase_time() = sales.first_purchase_time();
    *profile.mutable_last_purchase_time() = sales.last_purchase_time();
  }
  profile.set_open_cases(service.open_cases());
  profile.set_resolved_cases(service.resolved_cases());
  profile.set_complaints(service.complaints());
  *profile.mutable_contacts() = service.contacts();
  *profile.mutable_contact_costs() = service.contact_costs();
  if (service.sentiment_count() > 0) {
    profile.set_mean_sentiment(service.sentiment_sum() /
                               static_cast<double>(service.sentiment_count()));
  }
  if (service.has_last_sentiment_time()) {
    profile.set_last_sentiment(service.last_sentiment());
    *profile.mutable_last_sentiment_time() = service.last_sentiment_time();
  }
  profile.set_campaigns(marketing.campaigns());
  profile.set_campaign_responses(marketing.responses());
  profile.set_campaign_conversions(marketing.conversions());
  return profile.SerializeAsString();
}

}  // namespace rapport::marketing
