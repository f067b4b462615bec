// A record comes back from Kafka as it went there.
#include "services/runtime/log/kafka/envelope.h"

#include <gtest/gtest.h>

#include <map>

#include "absl/strings/match.h"
#include "rapport/service/v1/case.pb.h"

namespace rapport {
namespace {

using log::v1::Record;

log::v1::Record Escalated() {
  service::v1::CaseEvent event;
  event.mutable_escalated()->set_reason("waits since Tuesday");
  Record record;
  record.set_kind(Record::EVENT);
  record.set_claim_id(0x0123456789abcdef);
  record.set_claim_offset(41);
  record.set_number(7);
  record.set_type("rapport.service.v1.CaseEscalated");
  record.set_subject("customers/ada/cases/1");
  record.set_root("customers/ada");
  record.set_sequence(3);
  record.mutable_occur_time()->set_seconds(1'700'000'000);
  record.mutable_record_time()->set_seconds(1'700'000'001);
  record.mutable_record_time()->set_nanos(123'456'000);
  record.set_actor("users/bob");
  record.set_request_id("r-1");
  record.set_request_hash(std::string("\0\xff\x10", 3));
  record.set_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  record.set_value(event.SerializeAsString());
  return record;
}

TEST(Envelope, IsACloudEventInBinaryMode) {
  const KafkaMessage message = ToKafka(Escalated(), "rapport.service");
  EXPECT_EQ(message.key, "customers/ada");
  const std::map<std::string, std::string> expected = {
      {"ce_specversion", "1.0"},
      {"ce_id", "0123456789abcdef-7"},
      {"ce_source", "/rapport.service"},
      {"ce_type", "rapport.service.v1.CaseEscalated"},
      {"ce_subject", "customers/ada/cases/1"},
      {"ce_time", "2023-11-14T22:13:20Z"},
      {"ce_dataschema", "rapport.service.v1.CaseEvent"},
      {"content-type", "application/protobuf"},
      {"ce_claimid", "0123456789abcdef"},
      {"ce_claimoffset", "41"},
      {"ce_number", "7"},
      {"ce_sequence", "3"},
      {"ce_recordtime", "2023-11-14T22:13:21.123456Z"},
      {"ce_actor", "users/bob"},
      {"ce_requestid", "r-1"},
      {"ce_requesthash", "00ff10"},
      {"ce_traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
  };
  EXPECT_EQ((std::map<std::string, std::string>(message.headers.begin(), message.headers.end())),
            expected);
  service::v1::CaseEvent event;
  ASSERT_TRUE(event.ParseFromString(message.value));
  EXPECT_EQ(event.escalated().reason(), "waits since Tuesday");
}

// What a replay reads must be what was written, to the byte: projections are compared by it.
TEST(Envelope, GivesEveryKindBackToTheByte) {
  for (int kind = Record::CLAIM; kind <= Record::Kind_MAX; ++kind) {
    Record record;
    record.set_kind(static_cast<Record::Kind>(kind));
    record.set_claim_id(5);
    if (kind == Record::CLAIM) record.set_instance("rapport-service-0");
    if (kind == Record::EVENT) record = Escalated();
    if (kind == Record::PROCESS_ADVANCED) record.set_value("…");
    const auto back = FromKafka(ToKafka(record, "rapport.service"));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->SerializeAsString(), record.SerializeAsString()) << record.DebugString();
  }
}

TEST(Envelope, LeavesOthersHeadersAlone) {
  KafkaMessage message = ToKafka(Escalated(), "rapport.service");
  message.headers.emplace_back("x-mirror", "a");
  EXPECT_EQ(FromKafka(message)->SerializeAsString(), Escalated().SerializeAsString());
}

TEST(Envelope, SaysWhatSomebodyElseWrote) {
  EXPECT_TRUE(absl::IsDataLoss(FromKafka({.key = "a", .value = "b"}).status()));
  for (const char* header : {"ce_claimid", "ce_number", "ce_time", "ce_sequence"}) {
    KafkaMessage message = ToKafka(Escalated(), "rapport.service");
    for (auto& [name, value] : message.headers) {
      if (name == header) value = "seven";
    }
    const absl::Status refused = FromKafka(message).status();
    EXPECT_TRUE(absl::IsDataLoss(refused));
    EXPECT_TRUE(absl::StrContains(refused.message(), header)) << refused;
  }
}

}  // namespace
}  // namespace rapport
