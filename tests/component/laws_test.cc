// What holds for every resource, whatever it is: generic over the services' descriptors.
#include <cstdio>
#include <map>
#include <random>

#include "absl/strings/str_replace.h"
#include "google/protobuf/util/message_differencer.h"
#include "rapport/log/v1/history.pb.h"
#include "services/runtime/aggregate/dump.h"
#include "services/runtime/aggregate/method.h"
#include "services/runtime/base/resource_name.h"
#include "services/runtime/base/time.h"
#include "tests/component/client.h"
#include "tests/component/verb_walks.h"
#include "tools/rapportctl/data_folder.h"

namespace rapport::component {
namespace {

// A valid resource of each type, and the parents and references that it needs.
const std::map<std::string, std::string>& Samples() {
  static const auto* const samples = new std::map<std::string, std::string>{
      {"customers", "display_name: 'Li Wei 李伟' kind: PERSON roles: DIRECT owner: 'users/7'"},
      {"contactPoints", "phone { raw: '030 901820' region_code: 'DE' }"},
      {"externalIds", "key { system: 'sap' id: '$life/A' } customer: 'customers/given'"},
      {"relationships", "type: WORKS_FOR object: 'customers/other'"},
      {"products", "display_name: 'Oats' category: 'GROCERY'"},
      {"orders",
       "lines { product: 'products/given' quantity { value: '2' }"
       "        amount { currency_code: 'USD' units: 3 nanos: 990000000 } }"},
      {"activities", "kind: CALL subject: 'Call back' assignee: 'users/7'"},
      {"priceBooks", "display_name: 'Retail' currency_code: 'EUR'"},
      {"prices", "product: 'products/given' unit_price { currency_code: 'EUR' units: 3 }"},
      {"salesProcesses",
       "display_name: 'Direct' stages { stage_id: 'lead' display_name: 'Lead' category: PIPELINE "
       "}"},
      {"opportunities", "process: 'salesProcesses/given' display_name: 'New fleet'"},
      {"interactions", "channel: PHONE direction: INBOUND summary: 'Asked about 入伙'"},
      {"cases", "kind: COMPLAINT subject: 'It squeaks'"},
      {"assets", "product: 'products/pump-7' serial_number: '4711'"},
      {"campaigns", "display_name: 'Spring'"},
      {"campaignMemberships", "campaign: 'campaigns/given'"},
      {"recoveries", "case: 'customers/$life/cases/given'"}};
  return *samples;
}

// What a verb's request needs beyond the values that verb_walks.h makes up for REQUIRED fields, by
// the request's name.
const std::map<std::string, std::string>& VerbSamples() {
  static const auto* const samples = new std::map<std::string, std::string>{
      {"AdvanceOpportunityRequest", "stage: 'offer'"},
      {"ReopenOpportunityRequest", "stage: 'lead' reason: 'they called'"}};
  return *samples;
}

// One resource's methods.
struct Resource {
  ServiceSpec spec;
  AggregateType type;
  std::map<Method::Kind, Method> methods;  // the standard ones
  std::vector<Method> verbs;

  // Of the root `under`, or, where it is a root itself, with that id.
  std::string NameUnder(const std::string& under) const {
    if (type.is_root) return absl::StrCat(type.plural, "/", IdUnder(under));
    return absl::StrCat(ParentUnder(under), "/", type.plural, "/", IdUnder(under));
  }
  std::string ParentUnder(const std::string& under) const {
    return absl::StrCat(CollectionOf(RootOf(type.pattern)), "/", under);
  }
  std::string IdUnder(const std::string& under) const {
    if (type.id != nullptr) return type.id(*SampleUnder(under));
    return type.is_root && under != "given" ? under : "it";
  }
  std::unique_ptr<Message> SampleUnder(const std::string& under) const {
    return FromText(type.state, absl::StrReplaceAll(Samples().at(type.plural), {{"$life", under}}));
  }
};

std::vector<Resource> AllResources() {
  // Methods point into them.
  static const auto* const specs = new std::vector<ServiceSpec>(AllServices());
  std::vector<Resource> all;
  for (const auto& spec : *specs) {
    for (const auto& type : spec.aggregates) {
      Resource resource{.spec = spec, .type = type, .methods = {}};
      const auto table = BuildMethods(spec.rpc, spec.aggregates, spec.own_methods);
      for (const auto& [descriptor, method] : *table) {
        if (method.aggregate == nullptr || method.aggregate->state != type.state) continue;
        if (method.kind == Method::Kind::kVerb) {
          // Time's own verb acts when it is due only: ADueTimerMovesOn.
          if (method.command->request == type.on_due) continue;
          resource.verbs.push_back(method);
        } else {
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

class LawTest : public NodeTest {
 protected:
  void SetUp() override {
    NodeTest::SetUp();
    CreateCustomer("given");
    CreateCustomer("other");
    Must(std::string(kSales) + "CreateProduct",
         "product_id: 'given' product { display_name: 'Oats' }");
    Must(std::string(kMarketing) + "CreateCampaign",
         "campaign_id: 'given' campaign { display_name: 'Spring' }");
    CreatePriceBook("given");
    Must(std::string(kSales) + "CreateSalesProcess",
         "sales_process_id: 'given' sales_process { display_name: 'Direct'"
         "  stages { stage_id: 'lead' display_name: 'Lead' category: PIPELINE }"
         "  stages { stage_id: 'offer' display_name: 'Offer' category: PIPELINE } }");
  }

  // The resource that a law is about.
  void Take(const Resource& resource) {
    resource_ = &resource;
    ASSERT_TRUE(Samples().contains(resource.type.plural))
        << "give " << resource.type.plural << " a sample";
  }
  const Resource& resource() const { return *resource_; }
  std::string name() const { return resource().NameUnder(under_); }
  bool Has(Method::Kind kind) const { return resource().methods.contains(kind); }

  std::unique_ptr<Message> Request(Method::Kind kind, const std::string& request_id = "") const {
    const Method& method = resource().methods.at(kind);
    auto request = NewMessage(method.descriptor->input_type());
    if (method.request_id != nullptr) SetText(*request, method.request_id, request_id);
    if (kind == Method::Kind::kCreate) {
      if (method.parent != nullptr) {
        SetText(*request, method.parent, resource().ParentUnder(under_));
      }
      SetText(*request, method.id, resource().IdUnder(under_));
      auto* sample = request->GetReflection()->MutableMessage(request.get(), method.resource);
      sample->CopyFrom(*resource().SampleUnder(under_));
    } else if (kind == Method::Kind::kUpdate) {
      auto* changed = request->GetReflection()->MutableMessage(request.get(), method.resource);
      changed->CopyFrom(*FromText(resource().type.state, "labels { key: 'color' value: 'red' }"));
      SetText(*changed, resource().type.fields.name, name());
    } else if (method.name != nullptr) {
      SetText(*request, method.name, name());
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
    request.set_name(std::string(RootOf(name())));
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
  // A resource that decisions about this one look at.
  std::unique_ptr<Message> ReadOther(const std::string& other) {
    for (const Resource& one : AllResources()) {
      if (one.type.plural != CollectionOf(other)) continue;
      const Method& get = one.methods.at(Method::Kind::kGet);
      auto request = NewMessage(get.descriptor->input_type());
      SetText(*request, get.name, other);
      auto row = NewMessage(one.type.state);
      Ensure(row->ParseFromString(Call(*node_, get.descriptor, *request).body), "it can be read");
      return row;
    }
    Ensure(false, "decisions look at resources that there are");
    return nullptr;
  }
  std::vector<Life> Lives() {
    const unsigned seed = std::random_device{}();
    std::printf("seed %u\n", seed);
    std::vector<const Method*> standard;
    for (const auto kind : Writes()) standard.push_back(&resource().methods.at(kind));
    const auto create = Request(Method::Kind::kCreate);
    RowsRead rows;
    std::vector<std::unique_ptr<Message>> read;
    for (const auto& other : RowsToRead(*standard.front(), nullptr, *create, name())) {
      read.push_back(ReadOther(other));
      rows.Add(other, read.back().get());
    }
    return LivesOf(resource().verbs, standard, *create, VerbSamples(), name(), rows, seed);
  }
  std::unique_ptr<Message> RequestOf(const Method& method, const std::string& request_id) {
    if (method.kind != Method::Kind::kVerb) return Request(method.kind, request_id);
    const auto sample = VerbSamples().find(method.descriptor->input_type()->name());
    auto request = VerbRequest(method, name(), sample == VerbSamples().end() ? "" : sample->second);
    SetText(*request, method.request_id, request_id);
    return request;
  }
  static void SetValidateOnly(const Method& method, Message* request) {
    request->GetReflection()->SetBool(request, method.validate_only, true);
  }
  // Where nothing else has happened yet.
  void BeginLife() {
    under_ = absl::StrCat("life-", ++lives_begun_);
    if (!resource().type.is_root) CreateParent(under_);
  }
  // What the node's folder holds, read while the node is stopped: of each partition its log's end
  // and its projection's dump. A start claims every partition, which is one record.
  std::map<std::string, std::pair<Offset, std::string>> Contents() {
    node_.reset();
    std::map<std::string, std::pair<Offset, std::string>> contents;
    {
      const auto data = *DataFolder::Open(folder_.path() + "/data");
      for (const auto& service : data->services()) {
        for (const auto& projection : service.projections) {
          const auto store = *Store::Open(data->resources(), projection.path, StoreMode::kReadOnly);
          contents[projection.path] = {*data->EndOf(projection.partition), DigestOf(*store)->bytes};
        }
      }
    }
    Start();
    return contents;
  }

  const Resource* resource_ = nullptr;
  void CreateParent(const std::string& id) {
    if (resource().ParentUnder(id) == "customers/" + id) {
      CreateCustomer(id);
    } else {
      CreatePriceBook(id);
    }
  }
  void CreatePriceBook(const std::string& id) {
    Must(std::string(kSales) + "CreatePriceBook",
         "price_book_id: '" + id + "' price_book { display_name: 'Retail' currency_code: 'EUR' }");
  }

  std::string under_ = "given";
  int lives_begun_ = 0;
};

class Laws : public LawTest, public testing::WithParamInterface<Resource> {
 protected:
  void SetUp() override {
    LawTest::SetUp();
    Take(GetParam());
  }
};

// One node for all of them: starting it takes longer than the calls.
class LawsOfAll : public LawTest {
 protected:
  const std::vector<Resource> all_ = AllResources();
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

TEST_F(LawsOfAll, ADueTimerMovesOn) {
  int timers = 0;
  for (const auto& one : all_) {
    if (one.type.due_time == nullptr) continue;
    ++timers;
    ASSERT_NO_FATAL_FAILURE(Take(one));
    Context context{.name = name(), .actor = "timers"};
    context.occur_time.set_seconds(1'767'225'600);
    context.record_time = context.occur_time;
    auto state = NewMessage(one.type.state);
    // As the runtime does it, one write after the other.
    const auto act = [&](const Method& method, const Message* present, const Message& request) {
      auto event = NewMessage(one.type.event);
      const auto decided = DecideWrite(method, present, request, context, "uid", event.get());
      EXPECT_TRUE(decided.value_or(false)) << decided.status();
      Evolve(one.type, *state, *event, 1,
             {.name = context.name,
              .occur_time = context.occur_time,
              .record_time = context.record_time});
    };
    act(one.methods.at(Method::Kind::kCreate), nullptr, *Request(Method::Kind::kCreate));
    const auto due = one.type.due_time(*state);
    ASSERT_TRUE(due) << "a timer of the sample runs";
    context.record_time = *due;
    const auto methods = *BuildMethods(one.spec.rpc, one.spec.aggregates, one.spec.own_methods);
    for (const auto& [descriptor, method] : methods) {
      if (descriptor->input_type() != one.type.on_due) continue;
      auto request = NewMessage(one.type.on_due);
      SetText(*request, method.name, name());
      act(method, state.get(), *request);
    }
    const auto after = one.type.due_time(*state);
    EXPECT_TRUE(!after || ToMicros(*after) > ToMicros(*due)) << one.type.plural;
  }
  EXPECT_GT(timers, 0);
}

TEST_F(LawsOfAll, ALateRepeatOfAnythingChangesNothing) {
  for (const auto& one : all_) {
    ASSERT_NO_FATAL_FAILURE(Take(one));
    for (const Life& life : Lives()) {
      BeginLife();
      std::vector<std::unique_ptr<Message>> requests;
      for (const Method* method : life.writes) {
        requests.push_back(RequestOf(*method, absl::StrCat("r", requests.size())));
        const Reply reply = Call(*node_, method->descriptor, *requests.back());
        ASSERT_TRUE(reply.status.ok()) << method->descriptor->full_name() << ": " << reply.status;
        EXPECT_FALSE(reply.repeat);
      }
      const int64_t sequence = LastSequence();
      const std::string present = Send(Method::Kind::kGet).body;
      for (size_t i = 0; i < requests.size(); ++i) {
        SCOPED_TRACE(life.writes[i]->descriptor->full_name());
        const Reply again = Call(*node_, life.writes[i]->descriptor, *requests[i]);
        EXPECT_TRUE(again.repeat) << again.status;
        EXPECT_EQ(again.body, present) << "a repeat answers the present state";
      }
      EXPECT_EQ(LastSequence(), sequence);
      EXPECT_EQ(Send(Method::Kind::kGet).body, present);
    }
  }
}

TEST_F(LawsOfAll, ValidateOnlyIsNowhereInLogOrProjection) {
  if (topics_.Kafka()) GTEST_SKIP() << "looks into the data folder, and the log is not there";
  std::vector<std::pair<const Method*, std::unique_ptr<Message>>> asked;
  for (const auto& one : all_) {
    ASSERT_NO_FATAL_FAILURE(Take(one));
    for (const Life& life : Lives()) {
      BeginLife();
      for (size_t i = 0; i <= life.turn; ++i) {
        const Method& method = *life.writes[i];
        if (i < life.turn) {
          const auto request = RequestOf(method, absl::StrCat("r", i));
          ASSERT_TRUE(Call(*node_, method.descriptor, *request).status.ok());
          continue;
        }
        auto request = RequestOf(method, "v");
        request->GetReflection()->SetBool(request.get(), method.validate_only, true);
        asked.emplace_back(&method, std::move(request));
      }
    }
  }
  const auto before = Contents();
  for (const auto& [method, request] : asked) {
    const Reply preview = Call(*node_, method->descriptor, *request);
    EXPECT_TRUE(preview.status.ok()) << method->descriptor->full_name() << ": " << preview.status;
  }
  const auto after = Contents();
  ASSERT_EQ(after.size(), before.size());
  for (const auto& [path, now] : after) {
    EXPECT_EQ(now.first, before.at(path).first + 1) << "the log of " << path;
    EXPECT_EQ(now.second, before.at(path).second) << path;
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
    EXPECT_EQ(TextOf(*shown, "name"), name());
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
    if (list.parent != nullptr) SetText(*request, list.parent, resource().ParentUnder(under_));
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

}  // namespace
}  // namespace rapport::component
