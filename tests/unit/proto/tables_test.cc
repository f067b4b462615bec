// What each event of tests/golden makes of projections. Where that changes, projections that older
// programs made are wrong: the service's projection_version must rise, so that they are made anew.
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/allinone/node.h"
#include "services/runtime/aggregate/dump.h"
#include "services/runtime/aggregate/overlay.h"
#include "services/runtime/base/hash.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/resource_name.h"
#include "tests/support/wait.h"

namespace rapport {
namespace {

const std::string kFile = std::string(RAPPORT_GOLDEN) + "/tables.txt";
constexpr int64_t kRecordedSeconds = 1'700'000'000;

// "sales OrderPlaced 1" -> what its tables come to; "sales" -> its projections' version.
using Lines = std::map<std::string, std::string>;

// One event as one version of its proto wrote it.
struct Written {
  std::string name;  // "OrderPlaced 1"
  log::v1::Record record;
};

std::vector<std::string> VersionsOf(const FieldDescriptor* fact) {
  const std::string path =
      absl::StrCat(RAPPORT_GOLDEN, "/", fact->message_type()->file()->package(), "/",
                   fact->message_type()->name(), ".textpb");
  std::ifstream in(path);
  std::vector<std::string> versions;
  for (std::string line; std::getline(in, line);) {
    absl::string_view bytes = line;
    if (absl::ConsumePrefix(&bytes, "# bytes ")) versions.push_back(absl::HexStringToBytes(bytes));
  }
  return versions;
}

// "customers/{customer}/orders/{order}" -> "customers/golden/orders/golden"
std::string NameWithin(absl::string_view pattern) {
  std::vector<std::string> segments = absl::StrSplit(pattern, '/');
  for (std::string& segment : segments) {
    if (absl::StartsWith(segment, "{")) segment = "golden";
  }
  return absl::StrJoin(segments, "/");
}

log::v1::Record MakeRecord(const AggregateType& type, const FieldDescriptor* fact,
                           const std::string& bytes, int64_t sequence) {
  log::v1::Record record;
  record.set_kind(log::v1::Record::EVENT);
  record.set_type(fact->message_type()->full_name());
  record.set_subject(NameWithin(type.pattern));
  record.set_root(std::string(RootOf(record.subject())));
  record.set_sequence(sequence);
  record.mutable_record_time()->set_seconds(kRecordedSeconds + sequence);
  record.mutable_occur_time()->set_seconds(kRecordedSeconds - sequence);
  record.set_actor("golden");
  record.set_request_id(absl::StrCat("golden-", sequence));
  record.set_value(bytes);
  return record;
}

// Each event's versions, after the resource was created as it was first.
std::vector<std::vector<Written>> StoriesOf(const ServiceSpec& spec) {
  std::vector<std::vector<Written>> stories;
  for (const auto& type : spec.aggregates) {
    std::optional<Written> created;
    if (type.created != nullptr) {
      created = {"", MakeRecord(type, type.created, VersionsOf(type.created).at(0), 1)};
    }
    const auto* facts = type.event->oneof_decl(0);
    for (int i = 0; i < facts->field_count(); ++i) {
      const std::vector<std::string> versions = VersionsOf(facts->field(i));
      for (size_t version = 0; version < versions.size(); ++version) {
        std::vector<Written> story;
        if (created && facts->field(i) != type.created) story.push_back(*created);
        story.push_back({absl::StrCat(facts->field(i)->message_type()->name(), " ", version + 1),
                         MakeRecord(type, facts->field(i), versions[version],
                                    static_cast<int64_t>(story.size()) + 1)});
        stories.push_back(std::move(story));
      }
    }
  }
  return stories;
}

std::string Short(const std::string& bytes) {
  return absl::BytesToHexString(KeyedHash("tables", bytes)).substr(0, 16);
}

std::string TablesAfter(const ServiceSpec& spec, const std::vector<Written>& story) {
  const testing_support::TempFolder folder;
  const StoreResources resources(1 << 20, 1 << 20);
  const Registry registry(spec.aggregates);
  const auto store = *Store::Open(resources, folder.path() + "/store");
  for (const Written& one : story) {
    Overlay overlay(*store, registry);
    EXPECT_EQ(overlay.Apply(one.record, one.record.SerializeAsString()), absl::OkStatus());
    EXPECT_EQ(overlay.WriteTo(*store, {}), absl::OkStatus());
  }
  const auto digest = DigestOf(*store);
  EXPECT_EQ(digest.status(), absl::OkStatus());
  return Short(digest->bytes);
}

std::string PartAfter(const JoinSpec& join, const std::vector<Written>& story) {
  const auto part = NewMessage(join.part), note = NewMessage(join.note);
  for (const Written& one : story) join.fold(*part, *note, one.record);
  return Short(absl::StrCat(SerializeDeterministic(*part), "/", SerializeDeterministic(*note)));
}

Lines LinesNow() {
  const std::vector<ServiceSpec> specs = AllServices();
  Lines lines;
  for (const ServiceSpec& spec : specs) {
    lines[spec.name] = absl::StrCat(spec.projection_version);
    for (const auto& story : StoriesOf(spec)) {
      lines[absl::StrCat(spec.name, " ", story.back().name)] = TablesAfter(spec, story);
      for (const ServiceSpec& other : specs) {
        for (const JoinSpec& join : other.joins) {
          if (join.service != spec.name) continue;
          lines[absl::StrCat(other.name, "'s part of ", story.back().name)] =
              PartAfter(join, story);
        }
      }
    }
  }
  return lines;
}

Lines ReadLines() {
  std::ifstream in(kFile);
  Lines lines;
  for (std::string line; std::getline(in, line);) {
    const std::pair<std::string, std::string> entry =
        absl::StrSplit(line, absl::MaxSplits(": ", 1));
    lines.insert(entry);
  }
  return lines;
}

TEST(GoldenTables, ChangeWithTheVersionAlone) {
  const Lines before = ReadLines(), now = LinesNow();
  bool whole = true;
  for (const auto& [name, tables] : now) {
    const std::string service = name.substr(0, name.find_first_of(" '"));
    const auto stood = before.find(name), version = before.find(service);
    if (stood == before.end() || stood->second == tables) continue;
    if (version != before.end() && version->second != now.at(service)) continue;
    whole = false;
    ADD_FAILURE() << "the same log makes other tables of " << name
                  << ": raise projection_version in the Spec() of " << service;
  }
  if (!whole || before == now) return;
  std::ofstream out(kFile);
  for (const auto& [name, tables] : now) out << name << ": " << tables << "\n";
  ADD_FAILURE() << kFile << " was written; review and commit it";
}

}  // namespace
}  // namespace rapport
