#include "services/accounts/domain/external_id.h"

#include "tests/unit/spec.h"

namespace rapport::accounts {
namespace {

using spec::Given;

v1::CreateExternalIdRequest Link(const std::string& system, const std::string& id,
                                 const std::string& customer = "") {
  v1::CreateExternalIdRequest request;
  request.mutable_external_id()->mutable_key()->set_system(system);
  request.mutable_external_id()->mutable_key()->set_id(id);
  request.mutable_external_id()->set_customer(customer);
  return request;
}
std::string NameOf(const std::string& system, const std::string& id) {
  return ExternalIdName(Link(system, id).external_id().key());
}

TEST(LinkExternalId, NamesTheCustomerAtOnce) {
  const auto link = Given<ExternalIdAggregate>().When(Link("sap", "0001234/A")).ThenState();
  EXPECT_EQ(link.customer().substr(0, 10), "customers/");
  EXPECT_GT(link.customer().size(), 10u);
}

TEST(LinkExternalId, KeepsTheCustomerThatIsGiven) {
  const auto link =
      Given<ExternalIdAggregate>().When(Link("sap", "1", "customers/ada")).ThenState();
  EXPECT_EQ(link.customer(), "customers/ada");
}

TEST(LinkExternalId, SaysWhichFieldIsWrong) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  Given<ExternalIdAggregate>()
      .When(Link("SAP 1", "1"))
      .ThenFails(kInvalid, "external_id.key.system");
  Given<ExternalIdAggregate>()
      .When(Link("sap", "1", "products/oats"))
      .ThenFails(kInvalid, "external_id.customer");
}

// The name decides where a key lives: these are stored for ever.
TEST(ExternalIdName, FollowsFromTheKeyAlone) {
  EXPECT_EQ(NameOf("sap", "0001234/A"), NameOf("sap", "0001234/A"));
  const std::pair<const char*, const char*> kOthers[] = {
      {"sap", "0001234/a"}, {"sap", "0001234"}, {"sap-1", "234/A"}, {"web", "0001234/A"}};
  for (const auto& [system, id] : kOthers) {
    EXPECT_NE(NameOf(system, id), NameOf("sap", "0001234/A")) << system << " " << id;
  }
}

}  // namespace
}  // namespace rapport::accounts
