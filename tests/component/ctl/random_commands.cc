#include "tests/component/ctl/random_commands.h"

#include <google/protobuf/text_format.h>

#include <mutex>
#include <random>
#include <semaphore>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

constexpr int kInFlight = 64;
constexpr uint64_t kCustomers = 40;
constexpr uint64_t kReferences = 6;
constexpr uint64_t kChildren = 8;
// One command in so many is an earlier one, sent again.
constexpr uint64_t kRepeatEvery = 10;

struct Template {
  const char* method;
  const char* request;
};

// $0 a customer, $1 a child's id, $2 reference data's id, $3 any number.
constexpr Template kTemplates[] = {
    {"accounts.v1.Accounts.CreateCustomer",
     R"(customer_id: "$0" customer { display_name: "李伟 $3" kind: PERSON roles: DIRECT })"},
    {"accounts.v1.Accounts.CreateCustomer",
     R"(customer { display_name: "Firm $3" kind: ORGANIZATION roles: AGENT owner: "users/$1" })"},
    {"accounts.v1.Accounts.UpdateCustomer",
     R"(customer { name: "customers/$0" owner: "users/$3" roles: DEALER roles: AGENT }
        update_mask { paths: "owner" paths: "roles" })"},
    {"accounts.v1.Accounts.DeleteCustomer", R"(name: "customers/$0")"},
    {"accounts.v1.Accounts.UndeleteCustomer", R"(name: "customers/$0")"},
    {"accounts.v1.Accounts.UndeleteCustomer", R"(name: "customers/$0")"},
    {"sales.v1.Sales.CreateProduct", R"(product_id: "$2" product { display_name: "Thing $3" })"},
    {"sales.v1.Sales.UpdateProduct",
     R"(product { name: "products/$2" display_name: "Better $3" } update_mask { paths: "display_name" })"},
    {"sales.v1.Sales.CreateOrder",
     R"(parent: "customers/$0" order_id: "$1" order { lines { product: "products/$2"
        quantity { value: "2.5" } amount { currency_code: "USD" units: $3 nanos: 990000000 } } })"},
    {"sales.v1.Sales.FulfillOrder", R"(name: "customers/$0/orders/$1")"},
    {"sales.v1.Sales.CancelOrder", R"(name: "customers/$0/orders/$1" reason: "changed mind")"},
    {"sales.v1.Sales.ReturnOrder",
     R"(name: "customers/$0/orders/$1" reason: "stale" lines { line: 1 quantity { value: "0.5" }
        amount { currency_code: "USD" nanos: 10000000 } })"},
    {"sales.v1.Sales.CreatePriceBook",
     R"(price_book_id: "$2" price_book { display_name: "Book $3" currency_code: "USD" })"},
    {"sales.v1.Sales.ActivatePriceBook", R"(name: "priceBooks/$2")"},
    {"sales.v1.Sales.CreatePrice",
     R"(parent: "priceBooks/$2" price { product: "products/$2"
        unit_price { currency_code: "USD" units: $3 } })"},
    {"sales.v1.Sales.DeletePriceBook", R"(name: "priceBooks/$2")"},
    {"sales.v1.Sales.CreateSalesProcess",
     R"(sales_process_id: "$2" sales_process { display_name: "Process $3"
        stages { stage_id: "lead" display_name: "Lead" category: PIPELINE probability_percent: 10 }
        stages { stage_id: "bid" display_name: "Bid" category: COMMIT probability_percent: 80 } })"},
    {"sales.v1.Sales.CreateOpportunity",
     R"(parent: "customers/$0" opportunity_id: "$1" opportunity {
        process: "salesProcesses/$2" display_name: "deal $3" })"},
    {"sales.v1.Sales.AdvanceOpportunity", R"(name: "customers/$0/opportunities/$1" stage: "bid")"},
    {"sales.v1.Sales.LoseOpportunity",
     R"(name: "customers/$0/opportunities/$1" reason: "price" competitor: "Acme")"},
    {"sales.v1.Sales.ReopenOpportunity",
     R"(name: "customers/$0/opportunities/$1" reason: "again" stage: "lead")"},
    {"sales.v1.Sales.CreateActivity",
     R"(parent: "customers/$0" activity_id: "$1" activity { kind: CALL subject: "call $3" })"},
    {"sales.v1.Sales.AssignActivity", R"(name: "customers/$0/activities/$1" assignee: "users/$3")"},
    {"sales.v1.Sales.CompleteActivity", R"(name: "customers/$0/activities/$1" outcome: "reached")"},
    {"sales.v1.Sales.ReopenActivity", R"(name: "customers/$0/activities/$1" reason: "again")"},
    {"service.v1.Service.CreateInteraction",
     R"(parent: "customers/$0" interaction { channel: CHAT direction: INBOUND summary: "入伙 $3" })"},
    {"service.v1.Service.CreateInteraction",
     R"(parent: "customers/$0" interaction_id: "$1" occur_time { seconds: $3 }
        interaction { channel: PHONE direction: OUTBOUND summary: "called back" })"},
    {"service.v1.Service.UpdateInteraction",
     R"(interaction { name: "customers/$0/interactions/$1" summary: "corrected $3" }
        update_mask { paths: "summary" })"},
    {"service.v1.Service.CreateCase",
     R"(parent: "customers/$0" case_id: "$1" case { kind: COMPLAINT subject: "broken $3" })"},
    {"service.v1.Service.CreateCase",
     R"(parent: "customers/$0" case { kind: INCIDENT subject: "part $3"
        parent_case: "customers/$0/cases/$1" })"},
    {"service.v1.Service.AssignCase", R"(name: "customers/$0/cases/$1" assignee: "users/$3")"},
    {"service.v1.Service.EscalateCase", R"(name: "customers/$0/cases/$1" reason: "late")"},
    {"service.v1.Service.ResolveCase",
     R"(name: "customers/$0/cases/$1" resolution { remedy: "replaced" })"},
    {"service.v1.Service.CloseCase", R"(name: "customers/$0/cases/$1")"},
    {"service.v1.Service.ReopenCase", R"(name: "customers/$0/cases/$1" reason: "again")"},
    {"service.v1.Service.DeleteCase", R"(name: "customers/$0/cases/$1")"},
    {"marketing.v1.Marketing.CreateCampaign",
     R"(campaign_id: "$2" campaign { display_name: "Spring" category: "mail" })"},
    {"marketing.v1.Marketing.CreateCampaignMembership",
     R"(parent: "customers/$0" campaign_membership { campaign: "campaigns/$2" })"},
    {"marketing.v1.Marketing.RespondCampaignMembership",
     R"(name: "customers/$0/campaignMemberships/$2" response: "interested")"},
    {"marketing.v1.Marketing.ConvertCampaignMembership",
     R"(name: "customers/$0/campaignMemberships/$2")"},
};

struct Request {
  const char* method = nullptr;
  std::string text;
};

Request MakeRequest(std::mt19937_64& random, const std::string& request_id) {
  const Template& chosen = kTemplates[random() % std::size(kTemplates)];
  std::string text = absl::Substitute(chosen.request, absl::StrCat("c", random() % kCustomers),
                                      absl::StrCat("x", random() % kChildren),
                                      absl::StrCat("r", random() % kReferences), random() % 1'000);
  absl::StrAppend(&text, " request_id: \"", request_id, "\"");
  return {chosen.method, std::move(text)};
}

CallPtr MakeCall(const Request& request) {
  auto call = std::make_unique<Call>();
  call->method = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(
      absl::StrCat("rapport.", request.method));
  Ensure(call->method != nullptr, "a template names a method");
  call->request = NewMessage(call->method->input_type(), &call->arena);
  Ensure(google::protobuf::TextFormat::ParseFromString(request.text, call->request),
         "a template is a request in text format");
  return call;
}

}  // namespace

CommandCounts RunRandomCommands(Handler& handler, uint64_t seed, int commands) {
  std::mt19937_64 random(seed);
  std::counting_semaphore<kInFlight> room(kInFlight);
  std::mutex mutex;
  CommandCounts counts;
  std::vector<Request> requests;
  for (int i = 0; i < commands; ++i) {
    room.acquire();
    const bool again = !requests.empty() && random() % kRepeatEvery == 0;
    requests.push_back(again ? requests[random() % requests.size()]
                             : MakeRequest(random, absl::StrCat(seed, "-", i)));
    CallPtr call = MakeCall(requests.back());
    call->done = [&](const Reply& reply) {
      {
        std::lock_guard lock(mutex);
        ++(!reply.status.ok() ? counts.refused : reply.repeat ? counts.repeated : counts.done);
      }
      room.release();
    };
    handler.Handle(std::move(call));
  }
  for (int i = 0; i < kInFlight; ++i) room.acquire();
  return counts;
}

}  // namespace rapport
