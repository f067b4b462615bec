#include "services/runtime/base/resource_name.h"

#include <gtest/gtest.h>

namespace rapport {
namespace {

TEST(ResourceName, HasParts) {
  const struct {
    absl::string_view name, root, parent, collection, id;
  } kCases[] = {
      {"customers/a/orders/b", "customers/a", "customers/a", "orders", "b"},
      {"customers/a", "customers/a", "", "customers", "a"},
      {"a/b/c/d/e/f", "a/b", "a/b/c/d", "e", "f"},
      {"customers", "", "", "", ""},
      {"customers/", "", "", "customers", ""},
      {"customers//orders/b", "", "customers/", "orders", "b"},
      {"/a", "", "", "", "a"},
      {"", "", "", "", ""},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(RootOf(c.name), c.root) << c.name;
    EXPECT_EQ(ParentOf(c.name), c.parent) << c.name;
    EXPECT_EQ(CollectionOf(c.name), c.collection) << c.name;
    EXPECT_EQ(IdOf(c.name), c.id) << c.name;
  }
}

TEST(MatchesPattern, ChecksLiteralsAndIds) {
  constexpr absl::string_view kPattern = "customers/{customer}/orders/{order}";
  EXPECT_TRUE(MatchesPattern(kPattern, "customers/a/orders/b-1"));
  for (absl::string_view name :
       {"", "customers/a", "customers/a/orders", "customers/a/orders/", "customers/a/orders/b/",
        "customers/a/orders/b/c", "customers/a/cases/b", "customers/A/orders/b",
        "/customers/a/orders/b", "customers//orders/b", "customers/-/orders/b"}) {
    EXPECT_FALSE(MatchesPattern(kPattern, name)) << name;
  }
  EXPECT_TRUE(MatchesPattern("customers/{customer}", "customers/-", AnyId::kAllowed));
  EXPECT_TRUE(MatchesPattern("customers/{customer}/view", "customers/a/view"));
}

}  // namespace
}  // namespace rapport
