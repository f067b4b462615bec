#include "tests/bench/requests.h"

#include <grpcpp/support/slice.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace rapport::bench {
namespace {

// A prime above any number of customers.
constexpr uint64_t kStride = 2'654'435'761;

}  // namespace

grpc::ByteBuffer ToBuffer(const google::protobuf::Message& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return {&slice, 1};
}

std::string CustomerId(int64_t i) {
  return absl::StrCat("bench-", i);
}

std::string PhoneOf(int64_t i) {
  return absl::StrFormat("030 2%07d", i);
}

int64_t SomeNumber(int64_t customers, int64_t i) {
  return static_cast<int64_t>(static_cast<uint64_t>(i) * kStride %
                              static_cast<uint64_t>(customers));
}

std::string SomeCustomer(int64_t customers, int64_t i) {
  return absl::StrCat("customers/", CustomerId(SomeNumber(customers, i)));
}

accounts::v1::CreateCustomerRequest CreateCustomer(int64_t i) {
  accounts::v1::CreateCustomerRequest request;
  request.set_customer_id(CustomerId(i));
  request.mutable_customer()->set_display_name(absl::StrCat("Bench ", i));
  request.mutable_customer()->set_kind(accounts::v1::Customer::PERSON);
  return request;
}

service::v1::CreateInteractionRequest CreateInteraction(std::string customer) {
  service::v1::CreateInteractionRequest request;
  request.set_parent(std::move(customer));
  auto& interaction = *request.mutable_interaction();
  interaction.set_channel(service::v1::Interaction::PHONE);
  interaction.set_direction(service::v1::Interaction::INBOUND);
  interaction.set_summary("Asks when the delivery comes, for the second time");
  interaction.set_body(
      "Was promised for Tuesday and again for Thursday; nobody rang, and the parcel shop knows of "
      "nothing. Is at home from four o'clock on and wants a call before the van comes, or the "
      "money back.");
  return request;
}

grpc::ByteBuffer LogInteraction(int64_t customers, const std::string& run, int64_t i) {
  service::v1::CreateInteractionRequest request = CreateInteraction(SomeCustomer(customers, i));
  request.set_request_id(absl::StrCat(run, "-", i));
  return ToBuffer(request);
}

}  // namespace rapport::bench
