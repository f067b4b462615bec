#include "services/runtime/base/filter.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "google/protobuf/text_format.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "rapport/accounts/v1/customer.pb.h"
#include "rapport/marketing/v1/campaign.pb.h"
#include "rapport/sales/v1/order.pb.h"
#include "rapport/service/v1/case.pb.h"
#include "rapport/service/v1/interaction.pb.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

template <class M>
M Parsed(const std::string& text) {
  M message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

struct Row {
  absl::string_view filter;
  bool matches;
};

template <size_t kRows>
void ExpectMatches(const google::protobuf::Message& message, const Row (&rows)[kRows]) {
  for (const Row& row : rows) {
    const auto filter = Filter::Parse(row.filter, message.GetDescriptor());
    ASSERT_TRUE(filter.ok()) << row.filter << " " << filter.status();
    EXPECT_EQ(filter->Matches(message), row.matches) << row.filter;
  }
}

TEST(Filter, ComparesCases) {
  const auto message = Parsed<service::v1::Case>(R"(
      name: "customers/a/cases/b" state: OPEN kind: COMPLAINT escalation_level: 2
      subject: "Große STRASSE, \"broken\" 5*" assignee: "users/7"
      create_time { seconds: 1767225600 nanos: 500000000 }
      labels { key: "region" value: "north" } labels { key: "a.b" value: "x" }
      resolution { remedy: "replaced" })");
  const Row kRows[] = {
      {"", true},
      {"  ", true},
      {"state = OPEN", true},
      {"state=\"OPEN\"", true},
      {"state != OPEN", false},
      {"state : OPEN", true},
      {"NOT state = OPEN", false},
      {"-state = CLOSED", true},
      {"-(state = CLOSED)", true},
      {"assignee = users/7", true},
      {"assignee = \"users/7\" AND state = CLOSED", false},
      {"state = OPEN kind = COMPLAINT", true},
      {"state = OPEN kind = QUESTION", false},
      // OR binds tighter than AND: (CLOSED) AND (COMPLAINT OR OPEN).
      {"state = CLOSED AND kind = COMPLAINT OR state = OPEN", false},
      {"(state = CLOSED AND kind = COMPLAINT) OR state = OPEN", true},
      {"state = CLOSED OR state = OPEN AND kind = COMPLAINT", true},
      {"escalationLevel >= 2", true},
      {"escalation_level > 2", false},
      {"escalation_level < 3 AND escalation_level <= 2", true},
      {"escalation_level > -5", true},
      {"subject : \"strasse\"", true},
      {"subject : \"GROSSE strasse\"", true},
      {"subject : STRAßE", true},
      {"subject : street", false},
      {"subject : '\"broken\"'", true},
      {"subject : \"\\\"broken\"", true},
      {"subject = \"Große*\"", true},
      {"subject = \"*5\\*\"", true},
      {"subject = \"*broken*\"", true},
      {"subject = \"große*\"", false},
      {"subject != \"Große*\"", false},
      {"subject = \"Große\"", false},
      {"subject > \"A\" AND subject < \"Z\"", true},
      {"create_time = 2026-01-01T00:00:00.5Z", true},
      {"create_time > \"2026-01-01T01:00:00+01:00\"", true},
      {"create_time > 2026-01-01T00:00:00.6Z", false},
      {"create_time != 2026-01-01T00:00:00Z", true},
      {"create_time:*", true},
      // What is absent matches nothing.
      {"close_time:*", false},
      {"close_time < 2027-01-01T00:00:00Z", false},
      {"close_time != 2027-01-01T00:00:00Z", false},
      {"NOT close_time < 2027-01-01T00:00:00Z", true},
      {"resolution.remedy = replaced", true},
      {"resolution.cause = \"\"", true},
      {"resolution.cause:*", false},
      {"resolution:*", true},
      {"labels.region = north", true},
      {"labels.region = \"n*\"", true},
      {"labels.region != north", false},
      {"labels.city != north", false},
      {"labels:region", true},
      {"labels:city", false},
      {"labels.region:*", true},
      {"labels.\"a.b\" = x", true},
      {"labels.a.b = x", true},
      {"labels:*", true},
      {"description = \"\"", true},
  };
  ExpectMatches(message, kRows);
}

TEST(Filter, ComparesListsAmountsAndNumbers) {
  const auto order = Parsed<sales::v1::Order>(R"(
      total { currency_code: "USD" units: 150 }
      lines { product: "products/p1" quantity { value: "2.5" } }
      lines { product: "products/p2" amount { currency_code: "USD" } })");
  const Row kOrders[] = {
      {"total.currency_code = \"USD\" AND total.units > 100", true},
      {"total.units > 100 AND total.currency_code = USD", true},
      {"total.currency_code = USD AND (total.units < 5 OR total.units > 149)", true},
      {"total.currency_code = USD AND -(total.units > 100)", false},
      {"total.currency_code = EUR AND total.units > 100", false},
      {"total:*", true},
      {"lines.product:\"products/p2\"", true},
      {"lines.product:\"products/p3\"", false},
      {"lines.quantity:2.50", true},
      {"lines.amount.currency_code:USD", true},
      {"lines:*", true},
  };
  ExpectMatches(order, kOrders);
  const auto customer = Parsed<accounts::v1::Customer>("roles: PARTNER roles: DEALER");
  const Row kCustomers[] = {
      {"roles:DEALER", true}, {"roles:AGENT", false}, {"roles:*", true}, {"-roles:AGENT", true}};
  ExpectMatches(customer, kCustomers);
  const auto interaction = Parsed<service::v1::Interaction>("sentiment { value: -0.5 }");
  const Row kInteractions[] = {{"sentiment.value < -0.4", true}, {"sentiment.value = -0.5", true}};
  ExpectMatches(interaction, kInteractions);
  const auto campaign =
      Parsed<marketing::v1::Campaign>("start_date { year: 2026 month: 3 day: 1 }");
  const Row kCampaigns[] = {{"start_date >= 2026-03-01", true},
                            {"start_date < \"2026-03-01\"", false},
                            {"end_date >= 2026-03-01", false}};
  ExpectMatches(campaign, kCampaigns);
}

TEST(Filter, SaysWhereAndWhatIsWrong) {
  std::string many = "state = OPEN";
  for (int i = 0; i < 100; ++i) many += " OR state = OPEN";
  const std::string deep = std::string(21, '(') + "state = OPEN" + std::string(21, ')');
  const std::string long_text = "subject = \"" + std::string(2'000, 'x') + "\"";
  const struct {
    absl::string_view filter, message;
  } kCases[] = {
      {"colour = red", "at character 1: unknown field \"colour\" of Case"},
      {"state = OPEN AND colour = red", "at character 18: unknown field"},
      {"subject = \"é\" AND colour = red", "at character 19: unknown field"},
      {"state = OPENED", "at character 9: expected one of STATE_UNSPECIFIED, OPEN, RESOLVED"},
      {"state > OPEN", "no order"},
      {"escalation_level = many", "expected a whole number"},
      {"escalation_level = 99999999999999999999", "expected a whole number"},
      {"create_time > yesterday", "expected a time like"},
      {"create_time > infinite-future", "expected a time like"},
      {"create_time > \"\"", "expected a time like"},
      {"state =", "expected a value"},
      {"state = OPEN AND", "expected a field"},
      {"AND state = OPEN", "expected a comparison"},
      {"state = OPEN and kind = COMPLAINT", "AND is written in capitals"},
      {"state == OPEN", "expected a value"},
      {"(state = OPEN", "at character 14: expected )"},
      {"state = OPEN)", "expected AND, OR or the end"},
      {"state = (OPEN OR CLOSED)", "write field = a OR field = b"},
      {"subject = \"abc", "has no end"},
      {"subject = \"abc\\", "has no end"},
      {"broken", "a word alone is not searched for"},
      {"\"broken\"", "a text alone is not searched for"},
      {"lower(subject) = a", "functions are not supported"},
      {"state.name = a", "state has no fields"},
      {"resolution = a", "compared by its fields"},
      {"labels = a", "write labels.key"},
      {"subject.", "expected a field"},
      {"= a", "expected a field"},
      {"subject = \"\xff\"", "must be UTF-8"},
      {many, "more than 100 terms"},
      {deep, "more than 20 deep"},
      {long_text, "at most 2000 characters"},
  };
  for (const auto& c : kCases) {
    const auto filter = Filter::Parse(c.filter, service::v1::Case::descriptor());
    ASSERT_EQ(filter.status().code(), absl::StatusCode::kInvalidArgument) << c.filter;
    google::rpc::BadRequest bad;
    ASSERT_TRUE(ToRpcStatus(filter.status()).details(0).UnpackTo(&bad));
    EXPECT_EQ(bad.field_violations(0).field(), "filter");
    EXPECT_NE(bad.field_violations(0).description().find(std::string(c.message)), std::string::npos)
        << c.filter << " -> " << bad.field_violations(0).description();
  }
}

TEST(Filter, AmountsNeedTheirCurrency) {
  for (absl::string_view filter :
       {"total.units > 100", "total.units > 100 OR total.currency_code = USD",
        "total.currency_code != USD AND total.units > 100",
        "total.currency_code = \"U*\" AND total.units > 100",
        "-(total.currency_code = USD) AND total.units > 100",
        "(total.currency_code = USD OR total.currency_code = EUR) AND total.nanos = 0"}) {
    const auto parsed = Filter::Parse(filter, sales::v1::Order::descriptor());
    ASSERT_FALSE(parsed.ok()) << filter;
    EXPECT_NE(parsed.status().message().find("total.currency_code = \"USD\" AND total.units > 100"),
              absl::string_view::npos)
        << parsed.status();
  }
  EXPECT_FALSE(Filter::Parse("total = 5", sales::v1::Order::descriptor()).ok());
  EXPECT_FALSE(Filter::Parse("lines.product = a", sales::v1::Order::descriptor()).ok());
  EXPECT_FALSE(Filter::Parse("lines.amount.currency_code:USD AND lines.amount.units:5",
                             sales::v1::Order::descriptor())
                   .ok());
}

TEST(Filter, TellsWhatAnIndexCanBeAskedFor) {
  const auto equalities = [](absl::string_view text, const auto* type) {
    std::string joined;
    for (const auto& e : Filter::Parse(text, type)->RequiredEqualities()) {
      joined += e.field + "=" + e.value + ";";
    }
    return joined;
  };
  const auto* type = service::v1::Case::descriptor();
  EXPECT_EQ(equalities("state = OPEN AND (assignee = \"users/7\" AND kind != COMPLAINT)", type),
            "state=OPEN;assignee=users/7;");
  EXPECT_EQ(equalities("state = OPEN OR state = CLOSED", type), "");
  EXPECT_EQ(equalities("-state = OPEN AND subject = \"a*\" AND labels.a = b", type), "");
  EXPECT_EQ(equalities("escalationLevel = 007", type), "escalation_level=7;");
  EXPECT_EQ(equalities("", type), "");
  EXPECT_EQ(equalities("roles:PARTNER", accounts::v1::Customer::descriptor()), "roles=PARTNER;");
}

TEST(Filter, RandomTextNeverCrashes) {
  const uint32_t seed = std::random_device()();
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  static const char* const kPieces[] = {"state",      "=",           " ",
                                        "OPEN",       "AND",         "OR",
                                        "NOT",        "-",           "(",
                                        ")",          "subject",     ":",
                                        "*",          "\"",          "'",
                                        "\\",         "é",           "\xff",
                                        "labels",     ".",           "a",
                                        "resolution", "<",           ">=",
                                        "!=",         "1",           "20s",
                                        ",",          "\n",          "remedy",
                                        "a.b",        "create_time", "2026-01-01T00:00:00Z"};
  const auto message = Parsed<service::v1::Case>("state: OPEN resolution { remedy: 'a' }");
  int parsed = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text;
    for (int n = random() % 16; n > 0; --n) {
      text += kPieces[random() % std::size(kPieces)];
      if (random() % 2) text += " ";
    }
    const auto filter = Filter::Parse(text, message.GetDescriptor());
    if (!filter.ok()) continue;
    ++parsed;
    filter->Matches(message);
    filter->RequiredEqualities();
  }
  EXPECT_GT(parsed, 0);
}

TEST(Filter, IsCheap) {
  const auto message = Parsed<service::v1::Case>("state: OPEN assignee: 'users/7' subject: 'x'");
  const auto filter = Filter::Parse("state = OPEN AND assignee = users/7 AND subject : \"x\"",
                                    message.GetDescriptor());
  constexpr int kTimes = 200'000;
  int matches = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kTimes; ++i) matches += filter->Matches(message);
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(matches, kTimes);
  std::printf("%.0f ns for three comparisons\n", taken.count() / kTimes);
}

}  // namespace
}  // namespace rapport
