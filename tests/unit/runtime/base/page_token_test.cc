#include "services/runtime/base/page_token.h"

#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

void ExpectRefused(const absl::StatusOr<std::string>& cursor) {
  ASSERT_EQ(cursor.status().code(), absl::StatusCode::kInvalidArgument);
  google::rpc::BadRequest bad;
  ASSERT_TRUE(ToRpcStatus(cursor.status()).details(0).UnpackTo(&bad));
  EXPECT_EQ(bad.field_violations(0).field(), "page_token");
  EXPECT_NE(cursor.status().message().find("start the list again without page_token"),
            absl::string_view::npos);
}

TEST(PageToken, OpensForItsOwnQueryOnly) {
  const std::string cursor("customers/a\0\xff", 13);
  const std::string token = SealPageToken("key", "query", cursor);
  EXPECT_EQ(*OpenPageToken("key", "query", token), cursor);
  EXPECT_EQ(*OpenPageToken("key", "", SealPageToken("key", "", "")), "");
  ExpectRefused(OpenPageToken("key", "other query", token));
  ExpectRefused(OpenPageToken("other key", "query", token));
}

TEST(PageToken, NoCharacterCanBeChanged) {
  const std::string token = SealPageToken("key", "query", "cursor");
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    ExpectRefused(OpenPageToken("key", "query", changed));
    ExpectRefused(OpenPageToken("key", "query", token.substr(0, i)));
  }
  ExpectRefused(OpenPageToken("key", "query", token + "A"));
  ExpectRefused(OpenPageToken("key", "query", std::string(100'000, 'A')));
}

TEST(PageToken, QueryAndCursorDoNotRunTogether) {
  const std::string token = SealPageToken("key", "ab", "c");
  std::string moved = SealPageToken("key", "a", "bc");
  EXPECT_NE(token.substr(0, 20), moved.substr(0, 20));
}

}  // namespace
}  // namespace rapport
