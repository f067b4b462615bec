#include "gateway/rest/json.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <random>

#include "every_kind.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/util/json_util.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "rapport/gateway/v1/import.pb.h"
#include "rapport/sales/v1/order.pb.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/status.h"
#include "tests/support/random_message.h"

namespace rapport::rest {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::util::JsonStringToMessage;
using google::protobuf::util::MessageToJsonString;
using test::EveryKind;
using testing_support::RandomMessage;

constexpr int kMessagesPerType = 30;

std::string Canonical(const Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

std::string Json(const Message& message) {
  std::string text;
  AppendJson(message, &text);
  return text;
}

std::vector<const Descriptor*> AllTypes() {
  std::vector<const Descriptor*> types = {EveryKind::descriptor()};
  for (const char* file :
       {"accounts/v1/customer", "sales/v1/order", "sales/v1/product", "service/v1/case",
        "service/v1/interaction", "marketing/v1/campaign", "marketing/v1/campaign_membership",
        "gateway/v1/view", "gateway/v1/import", "log/v1/history", "log/v1/record",
        "log/v1/consistency"}) {
    const auto* descriptor =
        DescriptorPool::generated_pool()->FindFileByName(std::string("rapport/") + file + ".proto");
    EXPECT_NE(descriptor, nullptr) << file;
    if (descriptor == nullptr) continue;
    for (int i = 0; i < descriptor->message_type_count(); ++i) {
      types.push_back(descriptor->message_type(i));
    }
  }
  return types;
}

TEST(Json, AgreesWithProtobufOnEveryType) {
  const char* chosen = std::getenv("RAPPORT_SEED");
  const unsigned seed = chosen != nullptr ? std::atoi(chosen) : std::random_device{}();
  SCOPED_TRACE(testing::Message() << "RAPPORT_SEED=" << seed);
  RandomMessage random(seed);
  for (const Descriptor* type : AllTypes()) {
    for (int i = 0; i < kMessagesPerType; ++i) {
      const auto message = NewMessage(type);
      random.Fill(message.get());
      const std::string ours = Json(*message);
      std::string theirs;
      ASSERT_TRUE(MessageToJsonString(*message, &theirs).ok()) << message->DebugString();

      auto read_by_them = NewMessage(type);
      const auto read = JsonStringToMessage(ours, read_by_them.get());
      ASSERT_TRUE(read.ok()) << read.ToString() << "\n" << ours;
      // As JSON: protobuf writes the default fields of an Any's content where we do not.
      ASSERT_EQ(Json(*read_by_them), ours) << theirs;

      for (const std::string& text : {ours, theirs}) {
        auto read_by_us = NewMessage(type);
        const absl::Status status = ParseJson(text, read_by_us.get());
        ASSERT_TRUE(status.ok()) << status << "\n" << text;
        ASSERT_EQ(Canonical(*read_by_us), Canonical(*message)) << text;
        ASSERT_EQ(Json(*read_by_us), ours);
      }
    }
  }
}

TEST(AppendJson, WritesTheFormsOfProto3) {
  EveryKind kind;
  kind.set_an_int64(-5);
  kind.set_a_double(0.1);
  kind.set_colour(EveryKind::DARK_BLUE);
  kind.set_some_bytes("\xff\xfe");
  kind.set_maybe(0);
  kind.add_doubles(std::numeric_limits<double>::infinity());
  kind.add_doubles(std::numeric_limits<double>::quiet_NaN());
  (*kind.mutable_texts())["b"] = "2";
  (*kind.mutable_texts())["a"] = "\"\u00fc\n";
  kind.mutable_time()->set_seconds(951'782'400);  // a leap day
  kind.mutable_duration()->set_nanos(-500'000'000);
  kind.mutable_mask()->add_paths("unit_price");
  kind.mutable_mask()->add_paths("order.sales_point");
  kind.mutable_int64_value()->set_value(7);
  EXPECT_EQ(Json(kind),
            R"({"aDouble":0.1,"anInt64":"-5","someBytes":"//4=","colour":"DARK_BLUE","maybe":0,)"
            R"("doubles":["Infinity","NaN"],"texts":{"a":"\"ü\n","b":"2"},)"
            R"("time":"2000-02-29T00:00:00Z","duration":"-0.500s",)"
            R"("mask":"unitPrice,order.salesPoint","int64Value":"7"})");
  EXPECT_EQ(Json(EveryKind()), "{}");
}

TEST(AppendJson, EscapesTheKeysInAMask) {
  EveryKind kind;
  kind.mutable_mask()->add_paths("labels.say \"hi\"\n");
  EXPECT_EQ(Json(kind), R"({"mask":"labels.say \"hi\"\n"})");
}

TEST(Json, ReadsAMaskAsItWasWritten) {
  for (const char* path : {"unit_price", "labels.a_1", "labels.a__b", "labels._", "labels.a_`b_c`",
                           "labels.`A_b`", "_a", "a_"}) {
    EveryKind kind, again;
    kind.mutable_mask()->add_paths(path);
    ASSERT_TRUE(ParseJson(Json(kind), &again).ok());
    EXPECT_EQ(again.mask().paths(0), path);
  }
}

TEST(AppendJson, WritesWhatItDoesNotKnowAsWell) {
  EveryKind kind;
  kind.set_colour(static_cast<EveryKind::Colour>(17));
  kind.mutable_any()->set_type_url("type.googleapis.com/no.Such");
  kind.mutable_any()->set_value("abc");
  EXPECT_EQ(Json(kind),
            R"({"colour":17,"any":{"@type":"type.googleapis.com/no.Such","value":"YWJj"}})");
}

TEST(ParseJson, AcceptsEveryWayToSayIt) {
  EveryKind kind;
  ASSERT_TRUE(ParseJson(R"( {"an_int32": 1e3, "anInt64": 5, "aUint64": "18446744073709551615",
      "aDouble": "-Infinity", "aFloat": 1, "colour": 1, "colours": ["RED", -2], "someBytes": "__4",
      "aString": "\u00fc\ud83d\ude00\/", "inner": null, "doubles": [],
      "time": "2026-11-22T01:00:00.25+02:00", "mask": "unitPrice,display_name",
      "any": {"reason": "R", "@type": "type.googleapis.com/google.rpc.ErrorInfo"},
      "byNumber": {"-3": {"aBool": true}}, "boolValue": false} )",
                        &kind)
                  .ok());
  EXPECT_EQ(kind.an_int32(), 1000);
  EXPECT_EQ(kind.an_int64(), 5);
  EXPECT_EQ(kind.a_uint64(), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(kind.a_double(), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(kind.colours(1), EveryKind::DARK_BLUE);
  EXPECT_EQ(kind.some_bytes(), "\xff\xfe");
  EXPECT_EQ(kind.a_string(), "ü😀/");
  EXPECT_FALSE(kind.has_inner());
  EXPECT_EQ(kind.time().seconds(), 1'795'388'400 - 86'400);
  EXPECT_EQ(kind.time().nanos(), 250'000'000);
  EXPECT_EQ(kind.mask().paths(0), "unit_price");
  EXPECT_EQ(kind.mask().paths(1), "display_name");
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(kind.any().UnpackTo(&info));
  EXPECT_EQ(info.reason(), "R");
  EXPECT_TRUE(kind.by_number().at(-3).a_bool());
  EXPECT_TRUE(kind.has_bool_value());
}

struct Mistake {
  std::string text;
  std::string message;
};

std::string Nested(int depth) {
  std::string text;
  for (int i = 0; i < depth; ++i) text += "{\"inner\":";
  text += "{}";
  return text + std::string(depth, '}');
}

TEST(ParseJson, NamesEveryMistake) {
  const Mistake mistakes[] = {
      {R"({"inners":[{},{"a_strin":1}]})",
       "inners[1].a_strin: unknown field; did you mean a_string"},
      {R"({"nonsense":1})", "nonsense: unknown field of EveryKind"},
      {R"({"aString":"a","aString":"b"})", "aString: appears twice"},
      {R"({"aString":"a","a_string":"b"})", "a_string: appears twice"},
      {R"({"aString":null,"aString":"b"})", "aString: appears twice"},
      {R"({"texts":{"k":"a","k":"b"}})", "texts[\"k\"]: appears twice"},
      {R"({"aString":1})", "aString: expected a string, got a number"},
      {R"({"aString":{}})", "aString: expected a string, got an object"},
      {R"({"aBool":"true"})", "aBool: expected true or false, got a string"},
      {R"({"inner":[]})", "inner: expected an object, got an array"},
      {R"({"doubles":1})", "doubles: expected an array, got a number"},
      {R"({"doubles":[1,null]})", "doubles[1]: expected a number, got null"},
      {R"({"anInt32":2147483648})",
       "anInt32: expected a whole number from -2147483648 to 2147483647, not \"2147483648\""},
      {R"({"anInt32":1.5})",
       "anInt32: expected a whole number from -2147483648 to 2147483647, not \"1.5\""},
      {R"({"aUint32":-1})", "aUint32: expected a whole number from 0 to 4294967295, not \"-1\""},
      {R"({"anInt64":"9223372036854775808"})",
       "anInt64: expected a whole number from -9223372036854775808 to 9223372036854775807, "
       "not \"9223372036854775808\""},
      {R"({"aDouble":1e999})",
       "aDouble: expected a number within the range of a double, not \"1e999\""},
      {R"({"aFloat":1e39})", "aFloat: expected a number within the range of a float, not \"1e39\""},
      {R"({"aDouble":"0x10"})",
       "aDouble: expected a number within the range of a double, not \"0x10\""},
      {R"({"colour":"GREEN"})", "colour: expected one of RED, DARK_BLUE, not \"GREEN\""},
      {R"({"colour":9})", "colour: expected one of RED, DARK_BLUE, not \"9\""},
      {R"({"someBytes":"a?"})", "someBytes: expected base64, not \"a?\""},
      {R"({"time":"2026-02-30T00:00:00Z"})",
       "time: expected a time such as 2026-11-22T18:57:28Z, not \"2026-02-30T00:00:00Z\""},
      {R"({"time":5})", "time: expected a string, got a number"},
      {R"({"duration":"5"})", "duration: expected seconds such as 1.5s, not \"5\""},
      {R"({"any":{}})", "any: expected @type, the URL of the message's type"},
      {R"({"any":{"@type":"x/no.Such"}})", "any: unknown @type x/no.Such"},
      {R"({"word":"a","number":"1"})", "number: only one may be set, and word is"},
      {R"({"byNumber":{"x":{}}})",
       "byNumber[\"x\"]: expected a whole number from -2147483648 to 2147483647, not \"x\""},
      {"", "body: expected an object at byte 0"},
      {"[]", "body: expected an object, got an array"},
      {"{} x", "body: unexpected text after the end at byte 3"},
      {"{}{}", "body: unexpected text after the end at byte 2"},
      {R"({"aBool":true,})", "body: expected a name in quotes at byte 14"},
      {R"({"aBool":truth})", "aBool: expected a JSON value at byte 9"},
      {R"({"aBool" true})", "body: expected ':' at byte 9"},
      {R"({"anInt32":01})", "anInt32: number with a leading zero at byte 12"},
      {R"({"anInt32":+1})", "anInt32: expected a number at byte 11"},
      {R"({"aString":"a)", "aString: unfinished string at byte 13"},
      {R"({"aString":"\ud800"})", "aString: half a surrogate pair at byte 18"},
      {R"({"aString":"\x"})", "aString: unknown escape at byte 13"},
      {"{\"aString\":\"a\nb\"}", "aString: unescaped control character at byte 13"},
      {"{\"aString\":\"a\xc3(\"}", "body: not valid UTF-8 at byte 13"},
  };
  for (const Mistake& mistake : mistakes) {
    EveryKind kind;
    const absl::Status status = ParseJson(mistake.text, &kind);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << mistake.text;
    EXPECT_EQ(std::string(status.message()), mistake.message) << mistake.text;
    EXPECT_EQ(ToRpcStatus(status).details_size(), 1) << mistake.text;
  }
}

TEST(ParseJson, BeginsThePathWhereItIsTold) {
  sales::v1::Order order;
  EXPECT_EQ(ParseJson(R"({"lines":[{},{},{"unitPrise":1}]})", &order, "order").message(),
            "order.lines[2].unitPrise: unknown field; did you mean unitPrice");
}

TEST(ParseJson, LimitsTheDepth) {
  EveryKind kind;
  EXPECT_TRUE(ParseJson(Nested(kMaxJsonDepth - 1), &kind).ok());
  EveryKind deeper;
  EXPECT_FALSE(ParseJson(Nested(kMaxJsonDepth), &deeper).ok());
  EveryKind any;
  EXPECT_FALSE(ParseJson(R"({"any":{"x":)" + std::string(1'000'000, '['), &any).ok());
}

// Whatever comes in, it answers and stays within the text.
TEST(ParseJson, SurvivesDamage) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  RandomMessage random(seed);
  EveryKind kind;
  random.Fill(&kind);
  const std::string good = Json(kind);
  for (int i = 0; i < 3'000; ++i) {
    std::string bad = good.substr(0, random.Between(0, good.size()));
    if (!bad.empty()) bad[random.Between(0, bad.size() - 1)] = "{}[]\",:\\0e\xff"[i % 11];
    EveryKind out;
    const absl::Status status = ParseJson(bad, &out);
    EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace rapport::rest
