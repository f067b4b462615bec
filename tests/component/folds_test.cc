// What folding promises for any events that the descriptors allow, of every aggregate there is:
// it never fails, and it does not matter where a fold was interrupted, written down and read back.
#include <cstdio>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/substitute.h"
#include "google/protobuf/field_mask.pb.h"
#include "gtest/gtest.h"
#include "services/allinone/node.h"
#include "services/runtime/aggregate/dump.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/resource_name.h"
#include "services/runtime/store/keys.h"
#include "tests/support/random_message.h"
#include "tests/support/wait.h"

namespace rapport {
namespace {

using google::protobuf::FieldMask;
using google::protobuf::Timestamp;
using testing_support::RandomMessage;
using testing_support::TempFolder;

constexpr int kEventsOfOne = 200;
constexpr int kEventsOfAService = 400;
constexpr int kRoots = 4;
constexpr int kChildren = 3;

// What a resource holds that no event of it says: the envelope's facts.
bool IsTheRuntimes(const AggregateType& type, const FieldDescriptor* field) {
  const auto& f = type.fields;
  for (const auto* own :
       {f.name, f.etag, f.uid, f.create_time, f.update_time, f.delete_time, f.occur_time}) {
    if (field == own) return true;
  }
  return false;
}

// Events as a program of any version may have written them.
class RandomEvents {
 public:
  explicit RandomEvents(unsigned seed) : random_(seed) {}

  std::unique_ptr<Message> Any(const AggregateType& type) {
    const auto* facts = type.event->oneof_decl(0);
    return Of(type, facts->field(static_cast<int>(random_.Between(0, facts->field_count() - 1))));
  }

  std::unique_ptr<Message> Of(const AggregateType& type, const FieldDescriptor* which) {
    auto event = NewMessage(type.event);
    Message* fact = event->GetReflection()->MutableMessage(event.get(), which);
    random_.Fill(fact);
    if (which != type.created && which != type.updated) return event;
    const auto* field = fact->GetDescriptor()->FindFieldByNumber(kFactResource);
    Message* resource = fact->GetReflection()->MutableMessage(fact, field);
    for (int i = 0; i < type.state->field_count(); ++i) {
      if (!IsTheRuntimes(type, type.state->field(i))) continue;
      resource->GetReflection()->ClearField(resource, type.state->field(i));
    }
    if (which == type.updated) {
      const auto* mask = fact->GetDescriptor()->FindFieldByNumber(kFactMask);
      FillMask(type, static_cast<FieldMask*>(fact->GetReflection()->MutableMessage(fact, mask)));
    }
    return event;
  }

  Timestamp Time() {
    Timestamp time;
    random_.Fill(&time);
    return time;
  }
  int64_t Between(int64_t low, int64_t high) { return random_.Between(low, high); }

 private:
  void FillMask(const AggregateType& type, FieldMask* mask) {
    mask->Clear();
    for (int i = 0; i < type.state->field_count(); ++i) {
      const auto* field = type.state->field(i);
      if (!IsTheRuntimes(type, field) && Between(0, 2) == 0) mask->add_paths(field->name());
    }
    // Of a program that knew more than this one.
    if (Between(0, 9) == 0) mask->add_paths("known_to_others.only");
  }

  RandomMessage random_;
};

std::string TextOf(const Message& state, const FieldDescriptor* field) {
  return state.GetReflection()->GetString(state, field);
}

// "customers/c1/orders/o2" for the pattern "customers/{customer}/orders/{order}".
std::string NameFor(const AggregateType& type, int64_t root, int64_t child) {
  std::vector<std::string> parts = absl::StrSplit(type.pattern, '/');
  for (size_t i = 1; i < parts.size(); i += 2) {
    parts[i] = i == 1 ? absl::StrCat("r", root) : absl::StrCat("x", child);
  }
  return absl::StrJoin(parts, "/");
}

unsigned NewSeed() {
  const unsigned seed = std::random_device{}();
  std::printf("seed %u\n", seed);
  testing::Test::RecordProperty("seed", std::to_string(seed));
  return seed;
}

std::vector<AggregateType> AllTypes() {
  std::vector<AggregateType> all;
  for (const auto& spec : AllServices()) {
    all.insert(all.end(), spec.aggregates.begin(), spec.aggregates.end());
  }
  return all;
}

class Fold : public testing::TestWithParam<AggregateType> {
 protected:
  const AggregateType& type() const { return GetParam(); }

  void Apply(Message& state, const Message& event, int64_t sequence, const Timestamp& time) {
    Evolve(type(), state, event, sequence,
           {.name = name_, .occur_time = time, .record_time = time});
  }
  // What the standard code takes for granted of whatever was folded.
  void ExpectWhole(const Message& state, int64_t sequence) {
    EXPECT_EQ(TextOf(state, type().fields.name), name_);
    EXPECT_EQ(TextOf(state, type().fields.etag), absl::StrCat("\"", sequence, "\""));
    for (const auto* time :
         {type().fields.create_time, type().fields.update_time, type().fields.occur_time}) {
      EXPECT_TRUE(state.GetReflection()->HasField(state, time)) << time->full_name();
    }
    for (const auto& key : IndexKeys(type(), state)) EXPECT_EQ(keys::NameIn(key), name_);
    auto read = NewMessage(type().state);
    const std::string bytes = SerializeDeterministic(state);
    ASSERT_TRUE(read->ParseFromString(bytes)) << state.ShortDebugString();
    EXPECT_EQ(SerializeDeterministic(*read), bytes);
  }

  const std::string name_ = NameFor(GetParam(), 1, 1);
};

TEST_P(Fold, IsTotal) {
  RandomEvents events(NewSeed());
  auto state = NewMessage(type().state);
  for (int64_t sequence = 1; sequence <= kEventsOfOne; ++sequence) {
    const auto event = sequence == 1 ? events.Of(type(), type().created) : events.Any(type());
    Apply(*state, *event, sequence, events.Time());
    ExpectWhole(*state, sequence);
    ASSERT_FALSE(HasFailure()) << event->ShortDebugString();
  }
}

// Also of events that cannot come first, as a log that was damaged could show them.
TEST_P(Fold, NeedsNoOrder) {
  RandomEvents events(NewSeed());
  for (int start = 0; start < 20; ++start) {
    auto state = NewMessage(type().state);
    for (int64_t sequence = 1; sequence <= 10; ++sequence) {
      Apply(*state, *events.Any(type()), sequence, events.Time());
      EXPECT_EQ(TextOf(*state, type().fields.etag), absl::StrCat("\"", sequence, "\""));
    }
  }
}

TEST_P(Fold, MayBeWrittenDownAndReadBackAnywhere) {
  RandomEvents events(NewSeed());
  auto whole = NewMessage(type().state);
  auto split = NewMessage(type().state);
  for (int64_t sequence = 1; sequence <= kEventsOfOne; ++sequence) {
    const auto event = sequence == 1 ? events.Of(type(), type().created) : events.Any(type());
    const Timestamp time = events.Time();
    Apply(*whole, *event, sequence, time);
    auto stored = NewMessage(type().event);
    ASSERT_TRUE(stored->ParseFromString(event->SerializeAsString()));
    Apply(*split, *stored, sequence, time);
    if (events.Between(0, 2) == 0) {
      const std::string row = SerializeDeterministic(*split);
      split = NewMessage(type().state);
      ASSERT_TRUE(split->ParseFromString(row));
    }
    ASSERT_EQ(SerializeDeterministic(*split), SerializeDeterministic(*whole))
        << event->ShortDebugString();
  }
}

INSTANTIATE_TEST_SUITE_P(Of, Fold, testing::ValuesIn(AllTypes()),
                         [](const auto& info) { return info.param.plural; });

// --- the same through a projection: rows, indexes, history, request ids

struct Stored {
  log::v1::Record record;
  std::string bytes;
};

// Records of a few roots of one service, each resource's first event its creation.
std::vector<Stored> RandomRecords(const ServiceSpec& spec, RandomEvents& events) {
  std::map<std::string, int64_t> sequences;  // by root
  std::map<std::string, bool> exists;
  std::vector<Stored> records;
  for (int i = 0; i < kEventsOfAService; ++i) {
    const auto& type =
        spec.aggregates[events.Between(0, static_cast<int64_t>(spec.aggregates.size()) - 1)];
    log::v1::Record record;
    record.set_kind(log::v1::Record::EVENT);
    record.set_subject(NameFor(type, events.Between(1, kRoots), events.Between(1, kChildren)));
    record.set_root(std::string(RootOf(record.subject())));
    const bool first = !std::exchange(exists[record.subject()], true);
    const auto event = first ? events.Of(type, type.created) : events.Any(type);
    record.set_type(FactOf(*event)->GetDescriptor()->full_name());
    record.set_value(event->SerializeAsString());
    record.set_sequence(++sequences[record.root()]);
    record.set_request_id(absl::StrCat("r", i));
    *record.mutable_occur_time() = events.Time();
    // Within the window of request ids, which the dump leaves out once they are old.
    record.mutable_record_time()->set_seconds(1'767'225'600 + i);
    records.push_back({record, record.SerializeAsString()});
  }
  return records;
}

class FoldOfAService : public testing::TestWithParam<ServiceSpec> {
 protected:
  std::unique_ptr<Store> OpenStore(const std::string& name) {
    auto store = Store::Open(resources_, absl::StrCat(folder_.path(), "/", name));
    EXPECT_EQ(store.status(), absl::OkStatus());
    return *std::move(store);
  }
  // Applies the records in writes that end where `ends_write` says so, and at the end.
  void Project(const std::vector<Stored>& records, Store& store,
               const std::function<bool()>& ends_write) {
    auto overlay = std::make_unique<Overlay>(store, registry_);
    log::v1::Checkpoint checkpoint;
    for (size_t i = 0; i < records.size(); ++i) {
      ASSERT_EQ(overlay->Apply(records[i].record, records[i].bytes), absl::OkStatus());
      checkpoint.set_next_offset(static_cast<int64_t>(i) + 1);
      *checkpoint.mutable_record_time() = records[i].record.record_time();
      if (!ends_write() && i + 1 < records.size()) continue;
      ASSERT_EQ(overlay->WriteTo(store, checkpoint), absl::OkStatus());
      overlay = std::make_unique<Overlay>(store, registry_);
    }
  }

  const Registry registry_{GetParam().aggregates};
  TempFolder folder_;
  StoreResources resources_{8 << 20, 32 << 20};
};

TEST_P(FoldOfAService, IsTheSameInWritesOfAnySize) {
  RandomEvents events(NewSeed());
  const std::vector<Stored> records = RandomRecords(GetParam(), events);
  const auto at_once = OpenStore("at-once");
  Project(records, *at_once, [] { return false; });
  const auto one_by_one = OpenStore("one-by-one");
  Project(records, *one_by_one, [] { return true; });
  const auto at_random = OpenStore("at-random");
  Project(records, *at_random, [&] { return events.Between(0, 9) == 0; });

  EXPECT_GT(DigestOf(*at_once)->entries, 2 * kEventsOfAService);
  for (const Store* other : {one_by_one.get(), at_random.get()}) {
    const auto difference = FirstDifference(*at_once, *other);
    ASSERT_EQ(difference.status(), absl::OkStatus());
    EXPECT_FALSE(difference->has_value()) << DescribeKey(**difference);
  }
}

INSTANTIATE_TEST_SUITE_P(Of, FoldOfAService, testing::ValuesIn(AllServices()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace rapport
