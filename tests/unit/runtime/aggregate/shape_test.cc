#include "services/runtime/aggregate/shape.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <functional>
#include <random>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "rapport/accounts/v1/contact_point.pb.h"
#include "rapport/gateway/v1/import.pb.h"
#include "rapport/marketing/v1/campaign.pb.h"
#include "rapport/marketing/v1/campaign_membership.pb.h"
#include "rapport/sales/v1/order.pb.h"
#include "rapport/service/v1/case.pb.h"
#include "rapport/service/v1/interaction.pb.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using service::v1::CreateInteractionRequest;
using service::v1::Interaction;

constexpr int64_t kNowMicros = 1'800'000'000'000'000;

CreateInteractionRequest Call() {
  CreateInteractionRequest request;
  request.set_parent("customers/c-1");
  request.set_request_id("import-2026-11-row-17");
  auto* interaction = request.mutable_interaction();
  interaction->set_channel(Interaction::PHONE);
  interaction->set_direction(Interaction::INBOUND);
  interaction->set_summary("Asked when the replacement part will arrive");
  interaction->set_agent("users/7");
  return request;
}

sales::v1::CreateOrderRequest Sale() {
  sales::v1::CreateOrderRequest request;
  request.set_parent("customers/c-1");
  auto* line = request.mutable_order()->add_lines();
  line->set_product("products/p-1");
  line->mutable_quantity()->set_value("2");
  line->mutable_amount()->set_currency_code("EUR");
  line->mutable_amount()->set_units(10);
  return request;
}

void ExpectWrong(Message& request, absl::string_view field, absl::string_view message) {
  const absl::Status status = CheckShape(request, kNowMicros);
  ASSERT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << field << " " << message;
  google::rpc::BadRequest bad;
  ASSERT_TRUE(ToRpcStatus(status).details(0).UnpackTo(&bad));
  EXPECT_EQ(bad.field_violations(0).field(), field);
  EXPECT_NE(bad.field_violations(0).description().find(std::string(message)), std::string::npos)
      << bad.field_violations(0).description();
}

TEST(CheckShape, TakesWhatIsRight) {
  auto call = Call();
  EXPECT_EQ(CheckShape(call, kNowMicros), absl::OkStatus());
  auto sale = Sale();
  EXPECT_EQ(CheckShape(sale, kNowMicros), absl::OkStatus());
}

TEST(CheckShape, NamesTheFieldOfABadCall) {
  struct Case {
    std::function<void(CreateInteractionRequest&)> spoil;
    absl::string_view field, message;
  };
  const Case kCases[] = {
      {[](auto& r) { r.clear_parent(); }, "parent", "is required"},
      {[](auto& r) { r.set_parent("customers/A"); }, "parent", "customers/{customer}"},
      {[](auto& r) { r.set_parent("customers/-"); }, "parent", "customers/{customer}"},
      {[](auto& r) { r.set_parent("customers/a/cases/b"); }, "parent", "customers/{customer}"},
      {[](auto& r) { r.set_interaction_id("-a"); }, "interaction_id", "lower-case"},
      {[](auto& r) { r.set_request_id("a\tb"); }, "request_id", "printable"},
      {[](auto& r) { r.set_request_id(std::string(65, 'a')); }, "request_id",
       "at most 64 characters, but has 65"},
      {[](auto& r) { r.clear_interaction(); }, "interaction", "is required"},
      {[](auto& r) { r.mutable_interaction()->clear_channel(); }, "interaction.channel",
       "is required"},
      {[](auto& r) { r.mutable_interaction()->set_channel(Interaction::Channel(99)); },
       "interaction.channel", "number 99"},
      {[](auto& r) { r.mutable_interaction()->clear_summary(); }, "interaction.summary",
       "is required"},
      {[](auto& r) { r.mutable_interaction()->set_summary(std::string(501, 'x')); },
       "interaction.summary", "at most 500 characters, but has 501"},
      {[](auto& r) { r.mutable_interaction()->set_summary("a\x01"); }, "interaction.summary",
       "U+0001"},
      {[](auto& r) { r.mutable_interaction()->set_summary("a\xc2\x85"); }, "interaction.summary",
       "U+0085"},
      {[](auto& r) { r.mutable_interaction()->set_summary("a\xff"); }, "interaction.summary",
       "UTF-8"},
      {[](auto& r) { r.mutable_interaction()->mutable_sentiment()->set_value(1); },
       "interaction.sentiment.source", "is required"},
      {[](auto& r) {
         r.mutable_interaction()->mutable_sentiment()->set_source("survey");
         r.mutable_interaction()->mutable_sentiment()->set_value(std::nan(""));
       },
       "interaction.sentiment.value", "finite"},
      {[](auto& r) { r.mutable_interaction()->mutable_cost()->set_units(1); }, "interaction.cost",
       "currency_code"},
      {[](auto& r) {
         r.mutable_interaction()->mutable_cost()->set_currency_code("EUR");
         r.mutable_interaction()->mutable_cost()->set_units(1);
         r.mutable_interaction()->mutable_cost()->set_nanos(-1);
       },
       "interaction.cost", "same sign"},
      {[](auto& r) {
         for (int i = 0; i < 65; ++i) {
           (*r.mutable_interaction()->mutable_labels())[std::to_string(i)] = "x";
         }
       },
       "interaction.labels", "at most 64 entries"},
      {[](auto& r) { (*r.mutable_interaction()->mutable_labels())[""] = "x"; },
       "interaction.labels", "empty key"},
      {[](auto& r) { (*r.mutable_interaction()->mutable_labels())["a"] = std::string(256, 'x'); },
       "interaction.labels", "values must have at most 255"},
      {[](auto& r) { (*r.mutable_interaction()->mutable_labels())[std::string(64, 'k')] = "x"; },
       "interaction.labels", "keys must have at most 63"},
      {[](auto& r) { r.mutable_occur_time()->set_nanos(-1); }, "occur_time", "nanos"},
      {[](auto& r) { r.mutable_occur_time()->set_seconds(kNowMicros / 1'000'000 + 61); },
       "occur_time", "minute in the future"},
  };
  for (const Case& c : kCases) {
    auto request = Call();
    c.spoil(request);
    ExpectWrong(request, c.field, c.message);
  }
}

TEST(CheckShape, NamesTheEntryOfAList) {
  auto request = Sale();
  *request.mutable_order()->add_lines() = request.order().lines(0);
  request.mutable_order()->mutable_lines(1)->set_product("products/P");
  ExpectWrong(request, "order.lines[1].product", "products/{product}");
  request = Sale();
  request.mutable_order()->mutable_lines(0)->mutable_quantity()->set_value("1e3");
  ExpectWrong(request, "order.lines[0].quantity", "plain decimal");
  request = Sale();
  request.mutable_order()->mutable_lines(0)->clear_amount();
  ExpectWrong(request, "order.lines[0].amount", "is required");
  request = Sale();
  for (int i = 0; i < 500; ++i) *request.mutable_order()->add_lines() = request.order().lines(0);
  ExpectWrong(request, "order.lines", "at most 500 entries, but has 501");
  request = Sale();
  request.mutable_order()->clear_lines();
  ExpectWrong(request, "order.lines", "is required");
}

TEST(CheckShape, KnowsDaysOfTheCalendar) {
  marketing::v1::CreateCampaignRequest request;
  request.mutable_campaign()->set_display_name("Spring");
  auto* date = request.mutable_campaign()->mutable_start_date();
  date->set_year(2024);
  date->set_month(2);
  date->set_day(29);
  EXPECT_EQ(CheckShape(request, kNowMicros), absl::OkStatus());
  date->set_year(2023);
  ExpectWrong(request, "campaign.start_date", "calendar");
  date->set_month(13);
  ExpectWrong(request, "campaign.start_date", "calendar");
}

TEST(CheckShape, KnowsTimesOfDay) {
  accounts::v1::CreateContactPointRequest request;
  request.set_parent("customers/ada");
  auto& preferred = *request.mutable_contact_point()->mutable_preferred_hours();
  preferred.set_time_zone("Europe/Berlin");
  auto* hours = preferred.add_hours();
  hours->set_day_of_week(google::type::MONDAY);
  hours->mutable_start();
  hours->mutable_end()->set_hours(24);
  EXPECT_EQ(CheckShape(request, kNowMicros), absl::OkStatus());
  hours->mutable_end()->set_minutes(1);
  ExpectWrong(request, "contact_point.preferred_hours.hours[0].end", "time of day");
  hours->mutable_end()->set_hours(9);
  hours->mutable_start()->set_minutes(60);
  ExpectWrong(request, "contact_point.preferred_hours.hours[0].start", "time of day");
  hours->clear_start();
  ExpectWrong(request, "contact_point.preferred_hours.hours[0].start", "is required");
}

TEST(CheckShape, BringsTextsIntoNfcAndCountsCharacters) {
  auto request = Call();
  std::string decomposed, composed;
  for (int i = 0; i < 500; ++i) {
    decomposed += "e\xcc\x81";
    composed += "\xc3\xa9";
  }
  request.mutable_interaction()->set_summary(decomposed);
  (*request.mutable_interaction()->mutable_labels())["cafe\xcc\x81"] = "e\xcc\x81";
  ASSERT_EQ(CheckShape(request, kNowMicros), absl::OkStatus());
  EXPECT_EQ(request.interaction().summary(), composed);
  EXPECT_EQ(request.interaction().labels().at("caf\xc3\xa9"), "\xc3\xa9");
}

TEST(CheckShape, BringsDecimalsIntoOneForm) {
  auto request = Sale();
  request.mutable_order()->mutable_lines(0)->mutable_quantity()->set_value("+02.50");
  ASSERT_EQ(CheckShape(request, kNowMicros), absl::OkStatus());
  EXPECT_EQ(request.order().lines(0).quantity().value(), "2.5");
}

TEST(CheckShape, ClearsWhatACallerCannotSet) {
  auto request = Call();
  request.mutable_interaction()->set_name("not a name");
  request.mutable_interaction()->set_uid("u");
  request.mutable_interaction()->mutable_create_time()->set_nanos(-5);
  request.GetReflection()->MutableUnknownFields(&request)->AddVarint(999, 1);
  ASSERT_EQ(CheckShape(request, kNowMicros), absl::OkStatus());
  EXPECT_EQ(request.SerializeAsString(), Call().SerializeAsString());
}

TEST(CheckShape, AnUpdateNeedsItsNameOnly) {
  service::v1::UpdateCaseRequest request;
  ExpectWrong(request, "case", "is required");
  request.mutable_case_()->set_description("longer");
  ExpectWrong(request, "case.name", "is required");
  request.mutable_case_()->set_name("customers/a");
  ExpectWrong(request, "case.name", "customers/{customer}/cases/{case}");
  request.mutable_case_()->set_name("customers/a/cases/b");
  request.mutable_case_()->set_uid("u");
  request.mutable_case_()->set_etag("e");
  ASSERT_EQ(CheckShape(request, kNowMicros), absl::OkStatus());
  EXPECT_EQ(request.case_().name(), "customers/a/cases/b");
  EXPECT_EQ(request.case_().etag(), "e");
  EXPECT_EQ(request.case_().uid(), "");
}

TEST(CheckShape, ListsAcrossCustomers) {
  service::v1::ListCasesRequest request;
  request.set_parent("customers/-");
  request.set_page_token(std::string(2'000, 'a'));
  EXPECT_EQ(CheckShape(request, kNowMicros), absl::OkStatus());
  request.set_filter(std::string(2'001, 'a'));
  ExpectWrong(request, "filter", "at most 2000");
}

TEST(CheckShape, ReferencesOfOtherFilesAreKnown) {
  marketing::v1::CreateCampaignMembershipRequest request;
  request.set_parent("customers/a");
  request.mutable_campaign_membership()->set_campaign("campaign/1");
  ExpectWrong(request, "campaign_membership.campaign", "campaigns/{campaign}");
}

// Fills a message at random, now and then with what no caller should send.
class Randomizer {
 public:
  explicit Randomizer(uint32_t seed) : random_(seed) {}

  void Fill(Message& message, int depth = 0) {
    const auto* type = message.GetDescriptor();
    for (int i = 0; i < type->field_count(); ++i) {
      const FieldDescriptor* field = type->field(i);
      const int times = field->is_repeated() ? Below(3) : Below(2);
      for (int n = 0; n < times; ++n) Set(message, field, depth);
    }
  }

 private:
  int Below(int end) { return static_cast<int>(random_() % end); }

  std::string Text() {
    static const char* const kPieces[] = {
        "a", "customers/", "é",   "e\xcc\x81",        "\xff", "\n",  "\x01",
        "*", "-1.5",       "EUR", "\xf0\x9f\x98\x80", "/",    "\xc2"};
    std::string text;
    for (int n = Below(5); n > 0; --n) text += kPieces[Below(std::size(kPieces))];
    return text;
  }

  void Set(Message& message, const FieldDescriptor* field, int depth) {
    const auto* reflection = message.GetReflection();
    const bool many = field->is_repeated();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        many ? reflection->AddString(&message, field, Text())
             : reflection->SetString(&message, field, Text());
        return;
      case FieldDescriptor::CPPTYPE_INT32:
        if (!many) reflection->SetInt32(&message, field, static_cast<int32_t>(random_()));
        return;
      case FieldDescriptor::CPPTYPE_INT64:
        if (!many)
          reflection->SetInt64(&message, field, static_cast<int64_t>(random_()) << Below(40));
        return;
      case FieldDescriptor::CPPTYPE_ENUM:
        many ? reflection->AddEnumValue(&message, field, Below(12))
             : reflection->SetEnumValue(&message, field, Below(12));
        return;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        if (!many) reflection->SetDouble(&message, field, Below(2) ? 0.5 : INFINITY);
        return;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (depth > 30) return;
        Fill(many ? *reflection->AddMessage(&message, field)
                  : *reflection->MutableMessage(&message, field),
             depth + 1);
        return;
      default:
        return;
    }
  }

  std::mt19937 random_;
};

TEST(CheckShape, RandomRequestsNeverCrash) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  RecordProperty("seed", std::to_string(seed));
  Randomizer randomizer(seed);
  const Message* const kRequests[] = {
      &CreateInteractionRequest::default_instance(),
      &sales::v1::CreateOrderRequest::default_instance(),
      &service::v1::UpdateCaseRequest::default_instance(),
      &marketing::v1::CreateCampaignRequest::default_instance(),
      &service::v1::ListCasesRequest::default_instance(),
      &gateway::v1::ImportRequest::default_instance(),
  };
  std::printf("seed %u\n", seed);
  for (int i = 0; i < 20'000; ++i) {
    std::unique_ptr<Message> request(kRequests[i % std::size(kRequests)]->New());
    randomizer.Fill(*request);
    const absl::Status status = CheckShape(*request, kNowMicros);
    ASSERT_TRUE(status.ok() || absl::IsInvalidArgument(status)) << status;
    // What passed is in its one form already.
    if (!status.ok()) continue;
    const std::string once = request->SerializeAsString();
    ASSERT_TRUE(CheckShape(*request, kNowMicros).ok());
    ASSERT_EQ(request->ByteSizeLong(), once.size());
  }
}

TEST(CheckShape, IsCheap) {
  auto request = Call();
  request.mutable_interaction()->set_body(std::string(200, 'b'));
  request.mutable_interaction()->mutable_cost()->set_currency_code("EUR");
  request.mutable_interaction()->mutable_cost()->set_units(3);
  (*request.mutable_interaction()->mutable_labels())["region"] = "north";
  constexpr int kTimes = 50'000;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kTimes; ++i) ASSERT_TRUE(CheckShape(request, kNowMicros).ok());
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  std::printf("%.0f ns for %zu bytes\n", taken.count() / kTimes, request.ByteSizeLong());
}

}  // namespace
}  // namespace rapport
