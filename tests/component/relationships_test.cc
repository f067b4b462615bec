// Relationships between customers of any partition, seen from both ends.
#include <set>

#include "rapport/accounts/v1/relationship.pb.h"
#include "services/runtime/base/resource_name.h"
#include "tests/component/client.h"

namespace rapport::component {
namespace {

using accounts::v1::ListRelationshipsResponse;

class RelationshipsTest : public NodeTest {
 protected:
  static std::string Request(const std::string& subject, const std::string& type,
                             const std::string& object) {
    return absl::StrCat("parent: 'customers/", subject, "' relationship { type: ", type,
                        " object: 'customers/", object, "' }");
  }
  std::set<std::string> Objects(const std::string& parent, const std::string& filter) {
    const auto list = Parsed<ListRelationshipsResponse>(
        Must(std::string(kAccounts) + "ListRelationships",
             absl::StrCat("parent: '", parent, "' filter: '", filter, "'")));
    std::set<std::string> ends;
    for (const auto& one : list.relationships()) {
      ends.insert(absl::StrCat(RootOf(one.name()), " -> ", one.object()));
    }
    return ends;
  }
  const std::string create_ = std::string(kAccounts) + "CreateRelationship";
};

TEST_F(RelationshipsTest, AreSeenFromBothEnds) {
  for (const char* id : {"ada", "bob", "eve", "acme", "zeta"}) CreateCustomer(id);
  Must(create_, Request("ada", "WORKS_FOR", "acme"));
  Must(create_, Request("bob", "WORKS_FOR", "acme"));
  Must(create_, Request("eve", "WORKS_FOR", "zeta"));
  Must(create_, Request("acme", "SUBSIDIARY_OF", "zeta"));
  using Ends = std::set<std::string>;
  EXPECT_EQ(Objects("customers/ada", ""), Ends{"customers/ada -> customers/acme"});
  EXPECT_EQ(Objects("customers/-", "object = \"customers/acme\""),
            (Ends{"customers/ada -> customers/acme", "customers/bob -> customers/acme"}));
  EXPECT_EQ(Objects("customers/-", "object = \"customers/zeta\" AND type = SUBSIDIARY_OF"),
            Ends{"customers/acme -> customers/zeta"});
}

TEST_F(RelationshipsTest, NeedBothCustomersToLive) {
  CreateCustomer("ada");
  const Reply nobody = Do(create_, Request("ada", "WORKS_FOR", "acme"));
  EXPECT_TRUE(absl::IsInvalidArgument(nobody.status)) << nobody.status;
  EXPECT_EQ(ReasonOf(nobody.status), "relationship.object");
  EXPECT_TRUE(absl::IsNotFound(Do(create_, Request("acme", "WORKS_FOR", "ada")).status));
  CreateCustomer("acme");
  Must(create_, Request("ada", "WORKS_FOR", "acme"));
  Must(std::string(kAccounts) + "DeleteCustomer", std::string("name: 'customers/acme'"));
  EXPECT_EQ(ReasonOf(Do(create_, Request("ada", "DEALER_OF", "acme")).status),
            "relationship.object");
}

}  // namespace
}  // namespace rapport::component
