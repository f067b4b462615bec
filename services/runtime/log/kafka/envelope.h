// A record as Kafka keeps it: a CloudEvent in binary mode (CloudEvents 1.0, Kafka protocol binding
// 1.0.1). The value is the fact's aggregate event, the key the root, and everything else a header.
//
//   headers  ce_specversion 1.0            ce_id       <claim id>-<number>
//            ce_source      /<topic>       ce_type     rapport.service.v1.CaseEscalated
//            ce_subject     customers/c/…  ce_time     when it happened
//            ce_dataschema  rapport.service.v1.CaseEvent     content-type application/protobuf
//   and the extensions claimid, claimoffset, number, instance, sequence, recordtime, actor,
//   requestid, requesthash, traceparent. What a record does not have has no header.
//
// Records that are no facts have a type below rapport.log.v1 (Claimed, RequestSettled, …) and no
// dataschema. Ids and hashes are hexadecimal, numbers decimal, times RFC 3339.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "rapport/log/v1/record.pb.h"

namespace rapport {

// What goes into a Kafka message, and comes out of one.
struct KafkaMessage {
  std::string key;  // empty where the record belongs to no root
  std::string value;
  std::vector<std::pair<std::string, std::string>> headers;
};

KafkaMessage ToKafka(const log::v1::Record& record, absl::string_view topic);

// Gives back what ToKafka was given. Headers that it does not know are passed by, so that others
// may add theirs. DATA_LOSS where one that every record has is missing or cannot be read: somebody
// else wrote to the topic.
absl::StatusOr<log::v1::Record> FromKafka(const KafkaMessage& message);

}  // namespace rapport
