// Logs are kept for ever, so every event that any version wrote must be read as it was meant. Each
// event has a file in tests/golden, with the bytes of all versions; see the README there.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/allinone/node.h"
#include "services/runtime/base/messages.h"

namespace rapport {
namespace {

using google::protobuf::util::MessageDifferencer;

constexpr absl::string_view kBytes = "# bytes ";
// Deeper than any event; what contains itself ends here.
constexpr int kMaxDepth = 6;

// One value for each field, which follows from its number alone: renaming changes no bytes.
void FillAll(Message* message, int depth);

void FillOne(Message* message, const FieldDescriptor* field, int depth) {
  const auto* to = message->GetReflection();
  const bool many = field->is_repeated();
  const int number = field->number();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return many ? to->AddInt32(message, field, number) : to->SetInt32(message, field, number);
    case FieldDescriptor::CPPTYPE_INT64:
      return many ? to->AddInt64(message, field, number) : to->SetInt64(message, field, number);
    case FieldDescriptor::CPPTYPE_UINT32:
      return many ? to->AddUInt32(message, field, number) : to->SetUInt32(message, field, number);
    case FieldDescriptor::CPPTYPE_UINT64:
      return many ? to->AddUInt64(message, field, number) : to->SetUInt64(message, field, number);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return many ? to->AddDouble(message, field, number + 0.5)
                  : to->SetDouble(message, field, number + 0.5);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return many ? to->AddFloat(message, field, static_cast<float>(number) + 0.5F)
                  : to->SetFloat(message, field, static_cast<float>(number) + 0.5F);
    case FieldDescriptor::CPPTYPE_BOOL:
      return many ? to->AddBool(message, field, true) : to->SetBool(message, field, true);
    case FieldDescriptor::CPPTYPE_ENUM: {
      // By number, so that values may be declared in any order.
      return many ? to->AddEnumValue(message, field, 1) : to->SetEnumValue(message, field, 1);
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text = absl::StrCat("é", number);
      return many ? to->AddString(message, field, text) : to->SetString(message, field, text);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return FillAll(many ? to->AddMessage(message, field) : to->MutableMessage(message, field),
                     depth + 1);
  }
}

void FillAll(Message* message, int depth) {
  if (depth > kMaxDepth) return;
  const auto* type = message->GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const auto* field = type->field(i);
    // Of a oneof, the first.
    const auto* oneof = field->real_containing_oneof();
    if (oneof == nullptr || oneof->field(0) == field) FillOne(message, field, depth);
  }
}

struct Golden {
  std::string path;
  std::unique_ptr<Message> filled;
};

Golden MakeGolden(const std::string& package, const std::string& name,
                  std::unique_ptr<Message> filled) {
  return {absl::StrCat(RAPPORT_GOLDEN, "/", package, "/", name, ".textpb"), std::move(filled)};
}

std::vector<Golden> AllGolden() {
  std::vector<Golden> all;
  for (const auto& spec : AllServices()) {
    for (const auto& type : spec.aggregates) {
      for (int i = 0; i < type.event->oneof_decl(0)->field_count(); ++i) {
        const auto* fact = type.event->oneof_decl(0)->field(i);
        auto event = NewMessage(type.event);
        FillAll(event->GetReflection()->MutableMessage(event.get(), fact), 0);
        all.push_back(MakeGolden(fact->message_type()->file()->package(),
                                 fact->message_type()->name(), std::move(event)));
      }
    }
  }
  auto record = NewMessage(log::v1::Record::descriptor());
  FillAll(record.get(), 0);
  all.push_back(MakeGolden("rapport.log.v1", "Record", std::move(record)));
  return all;
}

void WriteFile(const Golden& golden, const std::vector<std::string>& versions) {
  std::filesystem::create_directories(std::filesystem::path(golden.path).parent_path());
  std::ofstream out(golden.path);
  out << "# " << golden.filled->GetDescriptor()->full_name()
      << ", every field filled; the bytes of each version that was ever written, oldest first.\n";
  for (const auto& bytes : versions) out << kBytes << absl::BytesToHexString(bytes) << "\n";
  std::string text;
  google::protobuf::TextFormat::PrintToString(*golden.filled, &text);
  out << text;
}

std::vector<std::string> ReadVersions(const std::string& path) {
  std::ifstream in(path);
  std::vector<std::string> versions;
  for (std::string line; std::getline(in, line);) {
    if (absl::StartsWith(line, kBytes)) {
      versions.push_back(absl::HexStringToBytes(absl::StripPrefix(line, kBytes)));
    }
  }
  return versions;
}

// Empty where these bytes mean what `filled` says, as far as they go.
std::string WhatIsLost(const std::string& bytes, const Message& filled) {
  const std::unique_ptr<Message> read(filled.New());
  if (!read->ParseFromString(bytes)) return "they cannot be parsed any more";
  read->DiscardUnknownFields();
  if (SerializeDeterministic(*read) != bytes) return "a field of them is not known any more";
  MessageDifferencer differencer;
  differencer.set_scope(MessageDifferencer::PARTIAL);
  std::string difference;
  differencer.ReportDifferencesToString(&difference);
  return differencer.Compare(*read, filled) ? "" : difference;
}

TEST(Golden, EveryVersionOfEveryEventIsRead) {
  for (const auto& golden : AllGolden()) {
    std::vector<std::string> versions = ReadVersions(golden.path);
    const std::string now = SerializeDeterministic(*golden.filled);
    bool whole = true;
    for (size_t i = 0; i < versions.size(); ++i) {
      const std::string lost = WhatIsLost(versions[i], *golden.filled);
      whole = whole && lost.empty();
      EXPECT_EQ(lost, "") << golden.path << ": version " << i + 1
                          << " is in logs for ever; give its fields back their numbers and types";
    }
    if (!whole || (!versions.empty() && versions.back() == now)) continue;
    versions.push_back(now);
    WriteFile(golden, versions);
    ADD_FAILURE() << golden.path << " was written, version " << versions.size()
                  << "; review and commit it";
  }
}

TEST(Golden, NoEventIsGone) {
  std::set<std::string> present;
  for (const auto& golden : AllGolden()) present.insert(golden.path);
  for (const auto& file : std::filesystem::recursive_directory_iterator(RAPPORT_GOLDEN)) {
    if (file.path().extension() != ".textpb") continue;
    EXPECT_TRUE(present.contains(file.path().string()))
        << file.path() << " is of an event that is gone; logs hold it for ever";
  }
}

}  // namespace
}  // namespace rapport
