#include "services/runtime/base/ids.h"

#include <gtest/gtest.h>

#include <set>

#include "absl/strings/ascii.h"

namespace rapport {
namespace {

TEST(ValidId, FollowsThePattern) {
  for (absl::string_view id : {"a", "7", "a-b", "0abc", "a--b"}) EXPECT_TRUE(ValidId(id)) << id;
  for (absl::string_view id : {"", "-", "-a", "a-", "A", "a_b", "a/b", "é", "a b"}) {
    EXPECT_FALSE(ValidId(id)) << id;
  }
  EXPECT_TRUE(ValidId(std::string(63, 'a')));
  EXPECT_FALSE(ValidId(std::string(64, 'a')));
}

TEST(MakeUlid, HoldsTimeAndRandomBits) {
  // The time part of the specification's own example, 01ARYZ6S41.
  EXPECT_EQ(MakeUlid(absl::FromUnixMillis(1'469'918'176'385), 0), "01aryz6s410000000000000000");
  EXPECT_EQ(MakeUlid(absl::UnixEpoch(), absl::Uint128Max()), "0000000000zzzzzzzzzzzzzzzz");
  EXPECT_LT(MakeUlid(absl::FromUnixMillis(1), absl::Uint128Max()),
            MakeUlid(absl::FromUnixMillis(2), 0));
  EXPECT_TRUE(ValidId(MakeUlid(absl::FromUnixMillis(1), 1)));
}

TEST(DerivedId, IsTheSameForTheSameRequestOnly) {
  EXPECT_EQ(DerivedId("customers", "r1"), DerivedId("customers", "r1"));
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = DerivedId("customers", std::to_string(i));
    EXPECT_EQ(id.size(), 20u);
    EXPECT_TRUE(ValidId(id) && absl::ascii_islower(id[0])) << id;
    ids.insert(id);
    ids.insert(DerivedId("products", std::to_string(i)));
  }
  EXPECT_EQ(ids.size(), 2000u);
}

TEST(DerivedId, NeverChanges) {
  // Stored in names for ever: these texts must not change.
  EXPECT_EQ(DerivedId("customers", "import-7-12"), "rorcmje5etwzt2yefwmg");
  EXPECT_EQ(MakeUid("customers/a"), "4b7adf9e-ee87-897e-9377-6f955759e250");
}

TEST(MakeUid, IsAUuid) {
  const std::string uid = MakeUid("customers/a");
  ASSERT_EQ(uid.size(), 36u);
  EXPECT_EQ(uid[8], '-');
  EXPECT_EQ(uid[14], '8');
  EXPECT_NE(absl::string_view("89ab").find(uid[19]), absl::string_view::npos);
  EXPECT_NE(uid, MakeUid("customers/b"));
}

TEST(Base64Url, IsStrict) {
  const std::string bytes("\xff\xfe\x00\x01", 4);
  EXPECT_EQ(Base64UrlEncode(bytes), "__4AAQ");
  EXPECT_EQ(Base64UrlDecode("__4AAQ"), bytes);
  EXPECT_EQ(Base64UrlDecode(""), "");
  for (absl::string_view text : {"__4AAQ==", "_", "//4AAQ", "__4AAR", "__4A AQ"}) {
    EXPECT_EQ(Base64UrlDecode(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace rapport
