// What holds for every resource, whatever it is: generic over the services' descriptors.
#include <map>

#include "google/protobuf/util/message_differencer.h"
#include "rapport/log/v1/history.pb.h"
#include "services/runtime/aggregate/method.h"
#include "services/runtime/base/resource_name.h"
#include "tests/component/client.h"

namespace rapport::component {
namespace {

// A valid resource of each type, and the parents and references that it needs.
const std::map<std::string, std::string>& Samples() {
  static const auto* const samples = new std::map<std::string, std::string>{
      {"customers", "display_name: 'Li Wei 李伟' kind: PERSON roles: DIRECT owner: 'users/7'"},
      {"contactPoints", "phone { raw: '030 901820' region_code: 'DE' }"},
      {"externalIds", "key { system: 'sap' id: '0001234/A' } customer: 'customers/given'"},
      {"relationships", "type: WORKS_FOR object: 'customers/other'"},
      {"products", "display_name: 'Oats' category: 'GROCERY'"},
      {"orders",
       "lines { product: 'products/given' quantity { value: '2' }"
       "        amount { currency_code: 'USD' units: 3 nanos: 990000000 } }"},
      {"interactions", "channel: PHONE direction: INBOUND summary: 'Asked about 入伙'"},
      {"cases", "kind: COMPLAINT subject: 'It squeaks'"},
      {"campaigns", "display_name: 'Spring'"},
      {"campaignMemberships", "campaign: 'campaigns/given'"}};
  return *samples;
}

// One resource's standard methods.
struct Resource {
  ServiceSpec spec;
  AggregateType type;
  std::map<Method::Kind, Method> methods;

  std::string id() const {
    return type.id == nullptr ? "it" : type.id(*FromText(type.state, Samples().at(type.plural)));
  }
  std::string name() const {
    return absl::StrCat(type.is_root ? "" : "customers/given/", type.plural, "/", id());
  }
  std::string root() const { return std::string(RootOf(name())); }
};

std::vector<Resource> AllResources() {
  std::vector<Resource> all;
  for (const auto& spec : AllServices()) {
    for (const auto& type : spec.aggregates) {
      Resource resource{.spec = spec, .type = type, .methods = {}};
      const auto table = BuildMethods(spec.rpc, spec.aggregates, spec.own_methods);
      for (const auto& [descriptor, method] : *table) {
        if (method.aggregate != nullptr && method.aggregate->state == type.state) {
          resource.methods[method.kind] = method;
        }
      }
      all.push_back(std::move(resource));
    }
  }
  return all;
}

void SetText(Message& message, const FieldDescriptor* field, const std::string& text) {
  message.GetReflection()->SetString(&message, field, text);
}
std::string TextOf(const Message& message, const char* field) {
  return message.GetReflection()->GetString(message,
                                            message.GetDescriptor()->FindFieldByName(field));
}

class Laws : public NodeTest, public testing::WithParamInterface<Resource> {
 protected:
  void SetUp() override {
    NodeTest::SetUp();
    CreateCustomer("given");
    CreateCustomer("other");
    Must(std::string(kSales) + "CreateProduct",
         "product_id: 'given' product { display_name: 'Oats' }");
    Must(std::string(kMarketing) + "CreateCampaign",
         "campaign_id: 'given' campaign { display_name: 'Spring' }");
    ASSERT_TRUE(Samples().contains(resource().type.plural)) << "give this resource a sample";
  }

  const Resource& resource() const { return GetParam(); }
  bool Has(Method::Kind kind) const { return resource().methods.contains(kind); }

  std::unique_ptr<Message> Request(Method::Kind kind, const std::string& request_id = "") const {
    const Method& method = resource().methods.at(kind);
    auto request = NewMessage(method.descriptor->input_type());
    if (method.request_id != nullptr) SetText(*request, method.request_id, request_id);
    if (kind == Method::Kind::kCreate) {
      if (method.parent != nullptr) SetText(*request, method.parent, "customers/given");
      SetText(*request, method.id, resource().id());
      auto* sample = request->GetReflection()->MutableMessage(request.get(), method.resource);
      sample->CopyFrom(*FromText(resource().type.state, Samples().at(resource().type.plural)));
    } else if (kind == Method::Kind::kUpdate) {
      auto* changed = request->GetReflection()->MutableMessage(request.get(), method.resource);
      changed->CopyFrom(*FromText(resource().type.state, "labels { key: 'color' value: 'red' }"));
      SetText(*changed, resource().type.fields.name, resource().name());
    } else if (method.name != nullptr) {
      SetText(*request, method.name, resource().name());
    }
    return request;
  }
  Reply Send(Method::Kind kind, const std::string& request_id = "") {
    return Send(kind, *Request(kind, request_id));
  }
  Reply Send(Method::Kind kind, const Message& request) {
    return Call(*node_, resource().methods.at(kind).descriptor, request);
  }
  // How much has happened to the resource's root.
  int64_t LastSequence() {
    log::v1::ListEventsRequest request;
    request.set_name(resource().root());
    return Parsed<log::v1::ListEventsResponse>(
               Call(*node_, resource().spec.rpc->FindMethodByName("ListEvents"), request))
        .last_sequence();
  }
  // Every standard write that the resource has, in an order that works.
  std::vector<Method::Kind> Writes() const {
    std::vector<Method::Kind> writes;
    for (const auto kind : {Method::Kind::kCreate, Method::Kind::kUpdate, Method::Kind::kDelete,
                            Method::Kind::kUndelete}) {
      if (Has(kind)) writes.push_back(kind);
    }
    return writes;
  }
};

TEST_P(Laws, ARetriedWriteChangesNothingAndSaysSo) {
  for (const auto kind : Writes()) {
    const std::string request_id = absl::StrCat("r", static_cast<int>(kind));
    const Reply first = Send(kind, request_id);
    ASSERT_TRUE(first.status.ok()) << first.status;
    EXPECT_FALSE(first.repeat);
    const int64_t sequence = LastSequence();
    const Reply again = Send(kind, request_id);
    EXPECT_TRUE(again.repeat);
    EXPECT_EQ(again.body, first.body);
    EXPECT_EQ(LastSequence(), sequence);
  }
}

TEST_P(Laws, ARequestIdWithAnotherBodyIsRefused) {
  ASSERT_TRUE(Send(Method::Kind::kCreate, "r1").status.ok());
  if (!Has(Method::Kind::kUpdate)) GTEST_SKIP() << "there is no Update";
  EXPECT_TRUE(absl::IsAlreadyExists(Send(Method::Kind::kUpdate, "r1").status));
}

TEST_P(Laws, ValidateOnlyLeavesNoTrace) {
  for (const auto kind : Writes()) {
    const int64_t sequence = LastSequence();
    const std::string before = Send(Method::Kind::kGet).body;
    auto request = Request(kind, absl::StrCat("r", static_cast<int>(kind)));
    const auto* validate_only = resource().methods.at(kind).validate_only;
    request->GetReflection()->SetBool(request.get(), validate_only, true);
    const Reply preview = Send(kind, *request);
    ASSERT_TRUE(preview.status.ok()) << preview.status;
    auto shown = NewMessage(resource().type.state);
    ASSERT_TRUE(shown->ParseFromString(preview.body));
    EXPECT_EQ(TextOf(*shown, "etag"), "");
    EXPECT_EQ(TextOf(*shown, "name"), resource().name());
    EXPECT_EQ(LastSequence(), sequence);
    EXPECT_EQ(Send(Method::Kind::kGet).body, before);

    request->GetReflection()->SetBool(request.get(), validate_only, false);
    const Reply done = Send(kind, *request);
    ASSERT_TRUE(done.status.ok()) << done.status;
    EXPECT_FALSE(done.repeat) << "validate_only used the request id up";
  }
}

TEST_P(Laws, AnAnswerIsWhatGetAndListShow) {
  for (const auto kind : Writes()) {
    const Reply written = Send(kind);
    ASSERT_TRUE(written.status.ok()) << written.status;
    EXPECT_EQ(Send(Method::Kind::kGet).body, written.body);
    const Method& list = resource().methods.at(Method::Kind::kList);
    auto request = NewMessage(list.descriptor->input_type());
    if (list.parent != nullptr) SetText(*request, list.parent, "customers/given");
    request->GetReflection()->SetBool(
        request.get(), request->GetDescriptor()->FindFieldByName("show_deleted"), true);
    auto response = NewMessage(list.descriptor->output_type());
    ASSERT_TRUE(response->ParseFromString(Call(*node_, list.descriptor, *request).body));
    bool found = false;
    const auto* rows = response->GetDescriptor()->field(0);
    for (int i = 0; i < response->GetReflection()->FieldSize(*response, rows); ++i) {
      const auto& row = response->GetReflection()->GetRepeatedMessage(*response, rows, i);
      found = found || SerializeDeterministic(row) == written.body;
    }
    EXPECT_TRUE(found);
  }
}

TEST_P(Laws, OnlyThePresentEtagChangesAnything) {
  ASSERT_TRUE(Send(Method::Kind::kCreate).status.ok());
  for (const auto kind : Writes()) {
    if (kind == Method::Kind::kCreate) continue;
    const Method& method = resource().methods.at(kind);
    const auto send = [&](const std::string& etag) {
      auto request = Request(kind);
      if (method.etag != nullptr) {
        SetText(*request, method.etag, etag);
      } else {
        SetText(*request->GetReflection()->MutableMessage(request.get(), method.resource),
                resource().type.fields.etag, etag);
      }
      return Send(kind, *request);
    };
    const int64_t sequence = LastSequence();
    EXPECT_EQ(ReasonOf(send("\"999\"").status), "ETAG_MISMATCH");
    EXPECT_EQ(LastSequence(), sequence);
    auto present = NewMessage(resource().type.state);
    ASSERT_TRUE(present->ParseFromString(Send(Method::Kind::kGet).body));
    EXPECT_TRUE(send(TextOf(*present, "etag")).status.ok());
  }
}

TEST_P(Laws, WhatIsDeletedIsReadableAndTakenUntilItIsUndeleted) {
  if (!Has(Method::Kind::kDelete)) GTEST_SKIP() << "there is no Delete";
  ASSERT_TRUE(Send(Method::Kind::kCreate).status.ok());
  ASSERT_TRUE(Send(Method::Kind::kDelete).status.ok());
  auto deleted = NewMessage(resource().type.state);
  ASSERT_TRUE(deleted->ParseFromString(Send(Method::Kind::kGet).body));
  EXPECT_TRUE(deleted->GetReflection()->HasField(*deleted, resource().type.fields.delete_time));
  EXPECT_EQ(ReasonOf(Send(Method::Kind::kUpdate).status), "DELETED");
  EXPECT_TRUE(absl::IsAlreadyExists(Send(Method::Kind::kCreate).status));
  const int64_t sequence = LastSequence();
  EXPECT_TRUE(Send(Method::Kind::kDelete).status.ok()) << "deleting again is nothing";
  EXPECT_EQ(LastSequence(), sequence);
  ASSERT_TRUE(Send(Method::Kind::kUndelete).status.ok());
  EXPECT_TRUE(Send(Method::Kind::kUndelete).status.ok()) << "undeleting again is nothing";
  EXPECT_TRUE(Send(Method::Kind::kUpdate).status.ok());
}

TEST_P(Laws, ARestartKeepsStateHistoryAndRequestIds) {
  std::string body;
  for (const auto kind : Writes()) {
    body = Send(kind, absl::StrCat("r", static_cast<int>(kind))).body;
  }
  const int64_t sequence = LastSequence();
  Restart();
  EXPECT_EQ(Send(Method::Kind::kGet).body, body);
  EXPECT_EQ(LastSequence(), sequence);
  const Reply again = Send(Method::Kind::kCreate, "r0");
  EXPECT_TRUE(again.repeat);
  EXPECT_EQ(again.body, body);
}

INSTANTIATE_TEST_SUITE_P(Of, Laws, testing::ValuesIn(AllResources()),
                         [](const auto& info) { return info.param.type.plural; });

TEST_F(NodeTest, EveryRpcIsAnswered) {
  int rpcs = 0;
  for (const auto* service : node_->services()) {
    for (int i = 0; i < service->method_count(); ++i) {
      const auto* method = service->method(i);
      if (method->client_streaming() || method->server_streaming()) continue;
      EXPECT_TRUE(node_->Handles(*method)) << method->full_name();
      const Reply reply = Call(*node_, method, *NewMessage(method->input_type()));
      EXPECT_FALSE(absl::IsUnimplemented(reply.status)) << method->full_name();
      EXPECT_FALSE(absl::IsInternal(reply.status)) << method->full_name();
      ++rpcs;
    }
  }
  EXPECT_GE(rpcs, 30);
}

}  // namespace
}  // namespace rapport::component
