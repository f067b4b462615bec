// Any text as a filter upon any resource: it is refused or it can be asked, of an empty message and
// of one with every field.
#include "rapport/accounts/v1/customer.pb.h"
#include "rapport/marketing/v1/campaign_membership.pb.h"
#include "rapport/sales/v1/order.pb.h"
#include "rapport/service/v1/case.pb.h"
#include "rapport/service/v1/interaction.pb.h"
#include "services/runtime/base/filter.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/status.h"
#include "tests/support/random_message.h"

// The first byte chooses the resource.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rapport;
  static const google::protobuf::Descriptor* const types[] = {
      accounts::v1::Customer::descriptor(), sales::v1::Order::descriptor(),
      service::v1::Case::descriptor(), service::v1::Interaction::descriptor(),
      marketing::v1::CampaignMembership::descriptor()};
  if (size == 0) return 0;
  const auto* type = types[data[0] % std::size(types)];
  const absl::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto filter = Filter::Parse(text, type);
  if (!filter.ok()) {
    Ensure(absl::IsInvalidArgument(filter.status()), "a bad filter is an INVALID_ARGUMENT");
    return 0;
  }
  const auto empty = NewMessage(type);
  const auto full = NewMessage(type);
  testing_support::RandomMessage(1).Fill(full.get());
  const bool of_empty = filter->Matches(*empty);
  const bool of_full = filter->Matches(*full);
  Ensure(filter->Matches(*empty) == of_empty && filter->Matches(*full) == of_full,
         "a filter answers the same again");
  filter->RequiredEqualities();
  return 0;
}
