// The requests that measurements send, all about the customers bench-0, bench-1, ….
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <string>

#include "rapport/accounts/v1/customer.pb.h"
#include "rapport/service/v1/interaction.pb.h"

namespace rapport::bench {

grpc::ByteBuffer ToBuffer(const google::protobuf::Message& message);

std::string CustomerId(int64_t i);

// Of the i-th customer where tests/bench/content.py made it, as it is dialled in Germany.
std::string PhoneOf(int64_t i);

// The customer of the i-th call: consecutive calls are spread over all of them.
int64_t SomeNumber(int64_t customers, int64_t i);
std::string SomeCustomer(int64_t customers, int64_t i);

accounts::v1::CreateCustomerRequest CreateCustomer(int64_t i);

// About 300 bytes. Has no request id yet.
service::v1::CreateInteractionRequest CreateInteraction(std::string customer);

// The i-th call of a load: logs one with SomeCustomer, under the request id "run-i".
grpc::ByteBuffer LogInteraction(int64_t customers, const std::string& run, int64_t i);

}  // namespace rapport::bench
