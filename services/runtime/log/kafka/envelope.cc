#include "services/runtime/log/kafka/envelope.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/util/time_util.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

using google::protobuf::util::TimeUtil;
using log::v1::Record;

// The types of records that are no facts.
constexpr std::pair<Record::Kind, const char*> kOwnTypes[] = {
    {Record::CLAIM, "rapport.log.v1.Claimed"},
    {Record::REQUEST_SETTLED, "rapport.log.v1.RequestSettled"},
    {Record::PROCESS_ADVANCED, "rapport.log.v1.ProcessAdvanced"},
    {Record::BARRIER, "rapport.log.v1.Barrier"},
};

const char* OwnType(Record::Kind kind) {
  const auto* found = std::find_if(std::begin(kOwnTypes), std::end(kOwnTypes),
                                   [kind](const auto& one) { return one.first == kind; });
  Ensure(found != std::end(kOwnTypes), "every kind of record has a type");
  return found->second;
}

// The message that the fact is one of: rapport.service.v1.CaseEvent of CaseEscalated. Empty where
// this program does not know the fact.
std::string SchemaOf(const std::string& type) {
  const auto* fact =
      google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(type);
  if (fact == nullptr) return "";
  for (int i = 0; i < fact->file()->message_type_count(); ++i) {
    const auto* event = fact->file()->message_type(i);
    if (event->oneof_decl_count() == 0) continue;
    for (int f = 0; f < event->field_count(); ++f) {
      if (event->field(f)->message_type() == fact) return event->full_name();
    }
  }
  return "";
}

bool ReadHex64(absl::string_view text, uint64_t* value) {
  return text.size() == 16 && absl::SimpleHexAtoi(text, value);
}

// One header into the record; false where it cannot be read.
bool ReadHeader(absl::string_view name, const std::string& text, Record* record) {
  uint64_t id = 0;
  int64_t number = 0;
  if (name == "ce_type") {
    const auto* own = std::find_if(std::begin(kOwnTypes), std::end(kOwnTypes),
                                   [&text](const auto& one) { return one.second == text; });
    record->set_kind(own == std::end(kOwnTypes) ? Record::EVENT : own->first);
    if (record->kind() == Record::EVENT) record->set_type(text);
  } else if (name == "ce_subject") {
    record->set_subject(text);
  } else if (name == "ce_time") {
    return TimeUtil::FromString(text, record->mutable_occur_time());
  } else if (name == "ce_recordtime") {
    return TimeUtil::FromString(text, record->mutable_record_time());
  } else if (name == "ce_claimid") {
    if (!ReadHex64(text, &id)) return false;
    record->set_claim_id(id);
  } else if (name == "ce_claimoffset") {
    if (!absl::SimpleAtoi(text, &number)) return false;
    record->set_claim_offset(number);
  } else if (name == "ce_number") {
    if (!absl::SimpleAtoi(text, &number)) return false;
    record->set_number(number);
  } else if (name == "ce_sequence") {
    if (!absl::SimpleAtoi(text, &number)) return false;
    record->set_sequence(number);
  } else if (name == "ce_instance") {
    record->set_instance(text);
  } else if (name == "ce_actor") {
    record->set_actor(text);
  } else if (name == "ce_requestid") {
    record->set_request_id(text);
  } else if (name == "ce_requesthash") {
    record->set_request_hash(absl::HexStringToBytes(text));
  } else if (name == "ce_traceparent") {
    record->set_traceparent(text);
  }
  return true;
}

}  // namespace

KafkaMessage ToKafka(const Record& record, absl::string_view topic) {
  KafkaMessage message{.key = record.root(), .value = record.value()};
  const auto add = [&message](const char* name, std::string text) {
    if (!text.empty()) message.headers.emplace_back(name, std::move(text));
  };
  const auto add_number = [&add](const char* name, int64_t number) {
    if (number != 0) add(name, absl::StrCat(number));
  };
  const bool fact = record.kind() == Record::EVENT;
  const std::string claim = absl::StrCat(absl::Hex(record.claim_id(), absl::kZeroPad16));
  add("ce_specversion", "1.0");
  add("ce_id", absl::StrCat(claim, "-", record.number()));
  add("ce_source", absl::StrCat("/", topic));
  add("ce_type", fact ? record.type() : OwnType(record.kind()));
  add("ce_subject", record.subject());
  if (record.has_occur_time()) add("ce_time", TimeUtil::ToString(record.occur_time()));
  if (fact) {
    add("content-type", "application/protobuf");
    add("ce_dataschema", SchemaOf(record.type()));
  }
  add("ce_claimid", claim);
  if (record.kind() != Record::CLAIM) add("ce_claimoffset", absl::StrCat(record.claim_offset()));
  add_number("ce_number", record.number());
  add("ce_instance", record.instance());
  add_number("ce_sequence", record.sequence());
  if (record.has_record_time()) add("ce_recordtime", TimeUtil::ToString(record.record_time()));
  add("ce_actor", record.actor());
  add("ce_requestid", record.request_id());
  add("ce_requesthash", absl::BytesToHexString(record.request_hash()));
  add("ce_traceparent", record.traceparent());
  return message;
}

absl::StatusOr<Record> FromKafka(const KafkaMessage& message) {
  Record record;
  record.set_root(message.key);
  record.set_value(message.value);
  for (const auto& [name, text] : message.headers) {
    if (!ReadHeader(name, text, &record)) {
      return absl::DataLossError(
          absl::StrCat("the header ", name, " is \"", absl::CHexEscape(text), "\""));
    }
  }
  if (record.kind() == Record::KIND_UNSPECIFIED || record.claim_id() == 0) {
    return absl::DataLossError(
        "it lacks ce_type or ce_claimid; only Rapport may write to its topics");
  }
  return record;
}

}  // namespace rapport
