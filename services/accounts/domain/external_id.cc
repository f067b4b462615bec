#include "services/accounts/domain/external_id.h"

#include "services/runtime/base/ids.h"
#include "services/runtime/base/resource_name.h"

namespace rapport::accounts {
namespace {

std::string IdOfKey(const v1::ExternalKey& key) {
  // Systems have no slash, so no two keys give one text.
  return DerivedId("externalIds", absl::StrCat(key.system(), "/", key.id()));
}

}  // namespace

std::string ExternalIdName(const v1::ExternalKey& key) {
  return absl::StrCat("externalIds/", IdOfKey(key));
}

absl::Status CheckKey(const v1::ExternalKey& key, absl::string_view field) {
  if (ValidId(key.system())) return absl::OkStatus();
  return InvalidField(absl::StrCat(field, ".system"),
                      "must be 1 to 63 lower-case letters, digits and inner hyphens, like sap");
}

std::string ExternalIdAggregate::Id(const v1::ExternalId& link) {
  return IdOfKey(link.key());
}

absl::Status ExternalIdAggregate::Begin(v1::ExternalId& created, const Context& context) {
  if (created.customer().empty()) {
    created.set_customer(
        absl::StrCat("customers/", DerivedId("customersOfExternalIds", context.name)));
  }
  return absl::OkStatus();
}

absl::Status ExternalIdAggregate::Check(const v1::ExternalId& after) {
  RETURN_IF_ERROR(CheckKey(after.key(), "external_id.key"));
  if (MatchesPattern("customers/{customer}", after.customer())) return absl::OkStatus();
  return InvalidField("external_id.customer",
                      "must have the form customers/{customer}, or be empty for a new one");
}

}  // namespace rapport::accounts
