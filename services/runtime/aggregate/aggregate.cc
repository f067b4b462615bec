#include "services/runtime/aggregate/aggregate.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "google/api/resource.pb.h"
#include "google/protobuf/field_mask.pb.h"
#include "rapport/options/v1/options.pb.h"
#include "services/runtime/aggregate/field_mask.h"
#include "services/runtime/base/messages.h"

namespace rapport {
namespace {

using google::protobuf::Timestamp;

// Numbers of the standard facts in every event's oneof.
constexpr int kCreated = 1;
constexpr int kUpdated = 2;
constexpr int kDeleted = 3;
constexpr int kUndeleted = 4;

void SetTime(Message& state, const FieldDescriptor* field, const Timestamp& time) {
  state.GetReflection()->MutableMessage(&state, field)->CopyFrom(time);
}

const FieldDescriptor* Need(const Descriptor* type, const char* field) {
  const auto* found = type->FindFieldByName(field);
  Ensure(found != nullptr, absl::StrCat(type->full_name(), " has no field ", field));
  return found;
}

}  // namespace

AggregateType Describe(AggregateType type) {
  const auto& resource = type.state->options().GetExtension(google::api::resource);
  type.singular = resource.singular();
  type.plural = resource.plural();
  Ensure(resource.pattern_size() == 1,
         absl::StrCat(type.state->full_name(), " has no one pattern"));
  type.pattern = resource.pattern(0);
  const std::vector<std::string> segments = absl::StrSplit(type.pattern, '/');
  type.is_root = segments.size() == 2;
  type.fields = {.name = Need(type.state, "name"),
                 .etag = Need(type.state, "etag"),
                 .uid = Need(type.state, "uid"),
                 .create_time = Need(type.state, "create_time"),
                 .update_time = Need(type.state, "update_time"),
                 .delete_time = Need(type.state, "delete_time"),
                 .occur_time = Need(type.state, "occur_time")};
  type.created = type.event->FindFieldByNumber(kCreated);
  type.updated = type.event->FindFieldByNumber(kUpdated);
  type.deleted = type.event->FindFieldByNumber(kDeleted);
  type.undeleted = type.event->FindFieldByNumber(kUndeleted);
  Ensure(type.created != nullptr, absl::StrCat(type.event->full_name(), " has no created fact"));
  for (int i = 0; i < type.state->field_count(); ++i) {
    const auto* field = type.state->field(i);
    if (field->options().GetExtension(options::v1::indexed)) type.indexed.push_back(field);
  }
  return type;
}

const Message* FactOf(const Message& event) {
  const auto* reflection = event.GetReflection();
  const auto* oneof = event.GetDescriptor()->oneof_decl(0);
  const auto* field = reflection->GetOneofFieldDescriptor(event, oneof);
  return field == nullptr ? nullptr : &reflection->GetMessage(event, field);
}

std::optional<bool> LifeOf(const log::v1::Record& record) {
  if (record.value().empty()) return std::nullopt;
  // The value is a oneof of messages numbered below 16: its first byte is (number << 3) | 2.
  switch (static_cast<unsigned char>(record.value()[0]) >> 3) {
    case kCreated:
    case kUndeleted:
      return true;
    case kDeleted:
      return false;
    default:
      return std::nullopt;
  }
}

void Evolve(const AggregateType& type, Message& state, const Message& event, int64_t sequence,
            const Facts& facts) {
  const Message* fact = FactOf(event);
  Ensure(fact != nullptr, "an event without a fact was stored");
  const auto* which =
      event.GetReflection()->GetOneofFieldDescriptor(event, event.GetDescriptor()->oneof_decl(0));
  const auto* reflection = state.GetReflection();
  if (which == type.created) {
    Assign(fact->GetReflection()->GetMessage(
               *fact, fact->GetDescriptor()->FindFieldByNumber(kFactResource)),
           &state);
    SetTime(state, type.fields.create_time, facts.record_time);
    SetTime(state, type.fields.occur_time, facts.occur_time);
    reflection->SetString(&state, type.fields.name, facts.name);
  } else if (which == type.updated) {
    const auto& mask =
        static_cast<const google::protobuf::FieldMask&>(fact->GetReflection()->GetMessage(
            *fact, fact->GetDescriptor()->FindFieldByNumber(kFactMask)));
    CopyMasked(fact->GetReflection()->GetMessage(
                   *fact, fact->GetDescriptor()->FindFieldByNumber(kFactResource)),
               mask, &state);
  } else if (which == type.deleted) {
    SetTime(state, type.fields.delete_time, facts.record_time);
  } else if (which == type.undeleted) {
    reflection->ClearField(&state, type.fields.delete_time);
  } else {
    type.evolve(state, event, facts);
  }
  SetTime(state, type.fields.update_time, facts.record_time);
  reflection->SetString(&state, type.fields.etag, absl::StrCat("\"", sequence, "\""));
}

}  // namespace rapport
