// A whole node in a folder of its own, and calls to it by method name.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "google/protobuf/text_format.h"
#include "services/allinone/node.h"
#include "services/runtime/base/messages.h"
#include "tests/support/logs.h"
#include "tests/support/reason.h"
#include "tests/support/wait.h"

namespace rapport::component {

using testing_support::ReasonOf;

// A method by its full name; its service must be linked.
inline const MethodDescriptor* FindMethod(const std::string& name) {
  const auto* found = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name);
  Ensure(found != nullptr, "no method " + name);
  return found;
}

// Hands a call to the node; answers its reply on its way.
inline std::shared_ptr<testing_support::Eventually<Reply>> Send(Node& node,
                                                                const MethodDescriptor* method,
                                                                const Message& request,
                                                                CallMetadata metadata = {}) {
  auto answer = std::make_shared<testing_support::Eventually<Reply>>();
  auto call = std::make_unique<rapport::Call>();
  call->method = method;
  call->request = request.New(&call->arena);
  call->request->CopyFrom(request);
  call->metadata = std::move(metadata);
  call->done = [answer](Reply reply) {
    EXPECT_FALSE(answer->IsSet()) << "a call was answered twice";
    answer->Set(std::move(reply));
  };
  node.handler().Handle(std::move(call));
  return answer;
}
inline Reply Call(Node& node, const MethodDescriptor* method, const Message& request,
                  CallMetadata metadata = {}) {
  return Send(node, method, request, std::move(metadata))->Get();
}
inline Reply Call(Node& node, const std::string& method, const Message& request,
                  CallMetadata metadata = {}) {
  return Call(node, FindMethod(method), request, std::move(metadata));
}

// The same with a request in text format: Call(node, "…CreateOrder", "parent: 'customers/ada'").
inline std::unique_ptr<Message> FromText(const Descriptor* type, const std::string& text) {
  auto message = NewMessage(type);
  Ensure(google::protobuf::TextFormat::ParseFromString(text, message.get()),
         "a request of a test is well formed");
  return message;
}
inline Reply Call(Node& node, const std::string& method, const std::string& text,
                  CallMetadata metadata = {}) {
  const auto* descriptor = FindMethod(method);
  return Call(node, descriptor, *FromText(descriptor->input_type(), text), std::move(metadata));
}

template <class M>
M Parsed(const Reply& reply) {
  M message;
  EXPECT_TRUE(reply.status.ok()) << reply.status;
  EXPECT_TRUE(message.ParseFromString(reply.body));
  return message;
}

inline const char kAccounts[] = "rapport.accounts.v1.Accounts.";
inline const char kSales[] = "rapport.sales.v1.Sales.";
inline const char kService[] = "rapport.service.v1.Service.";
inline const char kMarketing[] = "rapport.marketing.v1.Marketing.";
inline const char kGateway[] = "rapport.gateway.v1.Gateway.";

// As the only instance, which nobody else calls.
inline absl::Status StartAlone(Node& node) {
  RETURN_IF_ERROR(node.Start());
  return node.Join("");
}

// Everything runs against a node that lives as long as its test.
class NodeTest : public testing::Test {
 protected:
  static constexpr int kPartitions = 3;

  void SetUp() override { Start(); }
  void TearDown() override { node_.reset(); }

  void Start() {
    node_ = std::make_unique<Node>(Options(kPartitions));
    const absl::Status started = StartAlone(*node_);
    ASSERT_TRUE(started.ok()) << started;
  }
  void Restart() {
    node_.reset();
    Start();
  }
  NodeOptions Options(int partitions) const {
    return {.data_dir = folder_.path() + "/data",
            .partitions = partitions,
            .cache_bytes = 8 << 20,
            .memtable_bytes = 64 << 20,
            .min_free_bytes = 0,
            .kafka = topics_.Kafka()};
  }

  template <class... Args>
  Reply Do(const std::string& method, const Args&... args) {
    return Call(*node_, method, args...);
  }
  // The call must succeed; answers its reply for what is asked next.
  template <class... Args>
  Reply Must(const std::string& method, const Args&... args) {
    Reply reply = Call(*node_, method, args...);
    EXPECT_TRUE(reply.status.ok()) << method << ": " << reply.status;
    return reply;
  }
  Reply CreateCustomer(const std::string& id, const std::string& more = "") {
    return Must(
        std::string(kAccounts) + "CreateCustomer",
        "customer_id: '" + id + "' customer { display_name: 'Ada' kind: PERSON " + more + " }");
  }
  // With the consistency token of what came before.
  static CallMetadata After(const Reply& reply) {
    return {.consistency_token = reply.consistency_token};
  }

  testing_support::TempFolder folder_;
  testing_support::TestTopics topics_;
  std::unique_ptr<Node> node_;
};

}  // namespace rapport::component
