#include "services/runtime/aggregate/field_mask.h"

#include <gtest/gtest.h>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "rapport/marketing/v1/campaign_membership.pb.h"
#include "rapport/sales/v1/order.pb.h"
#include "rapport/service/v1/case.pb.h"
#include "rapport/service/v1/interaction.pb.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

using google::protobuf::FieldMask;
using google::protobuf::Message;
using google::protobuf::util::MessageDifferencer;
using sales::v1::Order;
using service::v1::Case;
using service::v1::Interaction;

FieldMask Mask(absl::string_view paths) {
  FieldMask mask;
  for (absl::string_view path : absl::StrSplit(paths, ',', absl::SkipEmpty())) {
    mask.add_paths(std::string(path));
  }
  return mask;
}

template <class M>
M Parsed(const std::string& text) {
  M message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

void ExpectSame(const Message& a, const Message& b) {
  EXPECT_TRUE(MessageDifferencer::Equals(a, b)) << a.ShortDebugString() << "\nis not\n"
                                                << b.ShortDebugString();
}

void ExpectWrong(const absl::Status& status, absl::string_view field, absl::string_view message) {
  ASSERT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << message;
  google::rpc::BadRequest bad;
  ASSERT_TRUE(ToRpcStatus(status).details(0).UnpackTo(&bad));
  EXPECT_EQ(bad.field_violations(0).field(), field);
  EXPECT_NE(status.message().find(message), absl::string_view::npos) << status;
}

constexpr char kOrder[] = R"(
    name: "customers/a/orders/b" note: "n"
    labels { key: "x" value: "1" } labels { key: "y.z" value: "2" }
    lines { product: "products/p" quantity { value: "1" } amount { currency_code: "EUR" units: 1 } }
    lines { product: "products/q" quantity { value: "1" } amount { currency_code: "EUR" units: 2 } }
    total { currency_code: "EUR" units: 3 })";

TEST(ApplyReadMask, KeepsWhatIsNamed) {
  const struct {
    absl::string_view mask;
    std::string left;
  } kCases[] = {
      {"", kOrder},
      {"*", kOrder},
      {"note", "note: 'n'"},
      {"name,total.units", "name: 'customers/a/orders/b' total { units: 3 }"},
      {"total,total.units", "total { currency_code: 'EUR' units: 3 }"},
      {"lines.product", "lines { product: 'products/p' } lines { product: 'products/q' }"},
      {"lines.amount.units", "lines { amount { units: 1 } } lines { amount { units: 2 } }"},
      {"labels.x", "labels { key: 'x' value: '1' }"},
      {"labels.`y.z`", "labels { key: 'y.z' value: '2' }"},
      {"labels.y.z,labels.none", "labels { key: 'y.z' value: '2' }"},
      {"fulfill_time", ""},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.mask);
    auto order = Parsed<Order>(kOrder);
    EXPECT_EQ(ApplyReadMask(Mask(c.mask), &order), absl::OkStatus());
    ExpectSame(order, Parsed<Order>(c.left));
  }
}

TEST(ApplyReadMask, RefusesUnknownPaths) {
  auto order = Parsed<Order>(kOrder);
  for (absl::string_view path :
       {"colour", "total.colour", "note.x", "lines.colour", ".", "labels."}) {
    ExpectWrong(ApplyReadMask(Mask(path), &order), "read_mask", path);
  }
  FieldMask long_mask;
  for (int i = 0; i <= kMaxMaskPaths; ++i) long_mask.add_paths("note");
  ExpectWrong(ApplyReadMask(long_mask, &order), "read_mask", "at most 200");
  ExpectSame(order, Parsed<Order>(kOrder));
}

TEST(EffectiveUpdateMask, SaysWhatChanges) {
  const auto interaction = Parsed<Interaction>(R"(
      name: "customers/a/interactions/b" etag: "e" uid: "u" channel: PHONE direction: INBOUND
      summary: "s" sentiment { value: 1 source: "survey" } labels { key: "x" value: "1" })");
  const struct {
    absl::string_view mask, effective;
  } kCases[] = {
      {"", "channel,direction,labels,sentiment,summary"},
      {"*", "agent,body,channel,cost,direction,labels,sentiment,summary"},
      {"summary,body", "body,summary"},
      {"name,etag,body,body", "body"},
      {"sentiment.value,sentiment", "sentiment"},
      {"sentiment.value", "sentiment.value"},
      {"labels.x,labels.y", "labels.x,labels.y"},
  };
  for (const auto& c : kCases) {
    const auto mask = EffectiveUpdateMask(Mask(c.mask), interaction);
    ASSERT_TRUE(mask.ok()) << c.mask << mask.status();
    EXPECT_EQ(absl::StrJoin(mask->paths(), ","), c.effective) << c.mask;
  }
}

TEST(EffectiveUpdateMask, RefusesWhatCannotBeSet) {
  const auto wanted = Parsed<Case>("name: 'customers/a/cases/b' description: 'd'");
  const struct {
    absl::string_view mask, field, message;
  } kCases[] = {
      {"colour", "update_mask", "Case has no field \"colour\""},
      {"state", "update_mask", "cannot be set"},
      {"resolution.cause", "update_mask", "cannot be set"},
      {"*,description", "update_mask", "stands alone"},
      {"subject", "case.subject", "is required"},
      {"*", "case.kind", "is required"},
  };
  for (const auto& c : kCases) {
    ExpectWrong(EffectiveUpdateMask(Mask(c.mask), wanted, "case").status(), c.field, c.message);
  }
  const auto order = Parsed<Order>(kOrder);
  ExpectWrong(EffectiveUpdateMask(Mask("lines.product"), order).status(), "update_mask", "whole");
  const auto interaction = Parsed<Interaction>("sentiment { value: 1 }");
  ExpectWrong(EffectiveUpdateMask(Mask("cost.units"), interaction).status(), "update_mask",
              "whole");
  ExpectWrong(EffectiveUpdateMask(Mask("sentiment"), interaction, "interaction").status(),
              "interaction.sentiment.source", "is required");
  EXPECT_TRUE(EffectiveUpdateMask(Mask("sentiment.value"), interaction).ok());
}

TEST(KeepImmutable, RefusesChangesOnly) {
  const auto present = Parsed<Order>(kOrder);
  auto wanted = present;
  wanted.set_note("other");
  const auto mask = EffectiveUpdateMask(Mask("*"), wanted);
  ASSERT_TRUE(mask.ok());
  EXPECT_TRUE(KeepImmutable(*mask, present, wanted).ok());
  wanted.mutable_lines(0)->mutable_amount()->set_units(5);
  ExpectWrong(KeepImmutable(*mask, present, wanted, "order").status(), "order.lines",
              "cannot be changed");
  // "*" without the field leaves it as it is.
  wanted.clear_lines();
  const auto without = EffectiveUpdateMask(Mask("*"), wanted);
  ASSERT_TRUE(without.ok());
  EXPECT_TRUE(KeepImmutable(*without, present, wanted).ok());
}

TEST(KeepImmutable, LeavesThemOutOfTheMask) {
  const auto order = Parsed<Order>(kOrder);
  const auto kept = KeepImmutable(Mask("lines,note"), order, order);
  ASSERT_TRUE(kept.ok());
  EXPECT_EQ(absl::StrJoin(kept->paths(), ","), "note");
}

TEST(AddDifferences, NamesFieldsThatDifferAndKeepsTheMask) {
  const Case before = Parsed<Case>("subject: 'It squeaks' labels { key: 'a' value: '1' }");
  Case after = before;
  FieldMask mask = Mask("labels.a,priority");
  AddDifferences(before, after, &mask);
  EXPECT_EQ(absl::StrJoin(mask.paths(), ","), "labels.a,priority");
  after.set_subject("It rattles");
  (*after.mutable_labels())["a"] = "2";
  AddDifferences(before, after, &mask);
  EXPECT_EQ(absl::StrJoin(mask.paths(), ","), "labels,priority,subject");
}

TEST(CopyMasked, CopiesAndClears) {
  const char kTo[] = R"(
      summary: "old" body: "old" cost { currency_code: "EUR" units: 1 }
      labels { key: "x" value: "1" } labels { key: "y" value: "2" })";
  const char kFrom[] = R"(
      summary: "new" agent: "users/7" sentiment { value: 1 source: "s" }
      labels { key: "x" value: "9" } labels { key: "z" value: "3" })";
  const struct {
    absl::string_view mask;
    std::string after;
  } kCases[] = {
      {"", kTo},
      {"summary,cost,body",
       "summary: 'new' labels { key: 'x' value: '1' }"
       "labels { key: 'y' value: '2' }"},
      {"labels,cost,body",
       "summary: 'old' labels { key: 'x' value: '9' }"
       "labels { key: 'z' value: '3' }"},
      {"labels.x,labels.y,labels.z,labels.none,body,cost",
       "summary: 'old' labels { key: 'x' value: '9' } labels { key: 'z' value: '3' }"},
      {"sentiment.value,labels,body,cost,summary",
       "summary: 'new' sentiment { value: 1 } labels { key: 'x' value: '9' }"
       "labels { key: 'z' value: '3' }"},
      {"cost.units,labels,body,summary",
       "summary: 'new' cost { currency_code: 'EUR' } labels { key: 'x' value: '9' }"
       "labels { key: 'z' value: '3' }"},
      {"unknown,unknown.deep", kTo},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.mask);
    auto to = Parsed<Interaction>(kTo);
    CopyMasked(Parsed<Interaction>(kFrom), Mask(c.mask), &to);
    ExpectSame(to, Parsed<Interaction>(c.after));
  }
}

TEST(CopyMasked, ReplacesListsAndMakesNoEmptyMessages) {
  auto to = Parsed<Order>(kOrder);
  CopyMasked(Parsed<Order>("lines { product: 'products/z' }"), Mask("lines,note,labels,total,name"),
             &to);
  ExpectSame(to, Parsed<Order>("lines { product: 'products/z' }"));
  Interaction interaction;
  CopyMasked(Interaction(), Mask("sentiment.value,labels.x"), &interaction);
  EXPECT_FALSE(interaction.has_sentiment());
  CopyMasked(Parsed<Order>(kOrder), Mask("lines.product"), &to);
  ExpectSame(to, Parsed<Order>("lines { product: 'products/z' }"));
}

}  // namespace
}  // namespace rapport
