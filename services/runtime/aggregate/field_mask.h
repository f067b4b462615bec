#pragma once
#include "google/protobuf/field_mask.pb.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
namespace rapport {
using google::protobuf::FieldMask;
using google::protobuf::Message;
absl::Status CheckReadMask(const FieldMask&, const google::protobuf::Descriptor*);
absl::Status ApplyReadMask(const FieldMask&, Message*);
absl::StatusOr<FieldMask> EffectiveUpdateMask(const FieldMask&, const Message& resource, const Message& present);
void CopyMasked(const Message& from, const FieldMask&, Message* to);
}
