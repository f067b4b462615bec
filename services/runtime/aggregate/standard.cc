#include "services/runtime/aggregate/standard.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "google/api/resource.pb.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/runtime/aggregate/field_mask.h"
#include "services/runtime/base/messages.h"

namespace rapport {
namespace {

std::string GetString(const Message& message, const FieldDescriptor* field) {
  return field == nullptr ? "" : message.GetReflection()->GetString(message, field);
}

bool IsDeleted(const AggregateType& type, const Message& state) {
  return state.GetReflection()->HasField(state, type.fields.delete_time);
}

absl::Status CheckTarget(const Method& method, const Message* state, const Message& request,
                         const Context& context) {
  const AggregateType& type = *method.aggregate;
  if (state == nullptr) return NotFound(context.name);
  std::string asked = GetString(request, method.etag);
  if (method.kind == Method::Kind::kUpdate) {
    asked =
        GetString(request.GetReflection()->GetMessage(request, method.resource), type.fields.etag);
  }
  const std::string present = GetString(*state, type.fields.etag);
  if (!EtagMatches(asked, present)) return EtagMismatch(context.name, present);
  const bool may_be_deleted =
      method.kind == Method::Kind::kDelete || method.kind == Method::Kind::kUndelete;
  if (IsDeleted(type, *state) && !may_be_deleted) return Deleted(context.name);
  return absl::OkStatus();
}

absl::StatusOr<bool> DecideCreate(const Method& method, const Message* state,
                                  const Message& request, const Context& context,
                                  const std::string& uid, Message* event) {
  const AggregateType& type = *method.aggregate;
  if (state != nullptr) {
    return AlreadyExists(context.name,
                         "this id is taken, also where it is deleted; choose another");
  }
  Message* fact = event->GetReflection()->MutableMessage(event, type.created);
  Message* created = fact->GetReflection()->MutableMessage(
      fact, fact->GetDescriptor()->FindFieldByNumber(kFactResource));
  Assign(request.GetReflection()->GetMessage(request, method.resource), created);
  const auto* reflection = created->GetReflection();
  reflection->SetString(created, type.fields.name, context.name);
  reflection->SetString(created, type.fields.uid, uid);
  reflection->ClearField(created, type.fields.etag);
  if (type.normalise != nullptr) RETURN_IF_ERROR(type.normalise(nullptr, *created));
  if (type.begin != nullptr) RETURN_IF_ERROR(type.begin(*created, context));
  if (type.check != nullptr) RETURN_IF_ERROR(type.check(*created));
  return true;
}

absl::StatusOr<bool> DecideUpdate(const Method& method, const Message& state,
                                  const Message& request, Message* event) {
  const AggregateType& type = *method.aggregate;
  const auto& resource = request.GetReflection()->GetMessage(request, method.resource);
  const auto& asked = static_cast<const google::protobuf::FieldMask&>(
      request.GetReflection()->GetMessage(request, method.update_mask));
  const std::string& prefix = method.resource->name();
  ASSIGN_OR_RETURN(google::protobuf::FieldMask mask, EffectiveUpdateMask(asked, resource, prefix));
  ASSIGN_OR_RETURN(mask, KeepImmutable(mask, state, resource, prefix));
  const std::unique_ptr<Message> after = CopyOf(state);
  CopyMasked(resource, mask, after.get());
  if (type.normalise != nullptr) {
    const std::unique_ptr<Message> asked = CopyOf(*after);
    RETURN_IF_ERROR(type.normalise(&state, *after));
    AddDifferences(*asked, *after, &mask);
  }
  if (google::protobuf::util::MessageDifferencer::Equals(*after, state)) return false;
  if (type.check != nullptr) RETURN_IF_ERROR(type.check(*after));
  Message* fact = event->GetReflection()->MutableMessage(event, type.updated);
  const auto* reflection = fact->GetReflection();
  CopyMasked(
      type.normalise == nullptr ? resource : *after, mask,
      reflection->MutableMessage(fact, fact->GetDescriptor()->FindFieldByNumber(kFactResource)));
  reflection->MutableMessage(fact, fact->GetDescriptor()->FindFieldByNumber(kFactMask))
      ->CopyFrom(mask);
  return true;
}

void CheckReference(const Message& message, const ReferenceField& reference, size_t depth,
                    const std::string& path, const ReadRow& read, absl::Status* status) {
  const auto* field = reference.path[depth];
  const auto* reflection = message.GetReflection();
  const int count = field->is_repeated()                   ? reflection->FieldSize(message, field)
                    : reflection->HasField(message, field) ? 1
                                                           : 0;
  for (int i = 0; i < count && status->ok(); ++i) {
    std::string here = absl::StrCat(path, ".", field->name());
    if (field->is_repeated()) absl::StrAppend(&here, "[", i, "]");
    if (depth + 1 < reference.path.size()) {
      const auto& inner = field->is_repeated() ? reflection->GetRepeatedMessage(message, field, i)
                                               : reflection->GetMessage(message, field);
      CheckReference(inner, reference, depth + 1, here, read, status);
      continue;
    }
    const std::string name = field->is_repeated() ? reflection->GetRepeatedString(message, field, i)
                                                  : reflection->GetString(message, field);
    if (name.empty()) continue;
    const absl::StatusOr<const Message*> found = read(*reference.target, name);
    if (!found.ok()) {
      *status = found.status();
    } else if (*found == nullptr || IsDeleted(*reference.target, **found)) {
      *status = InvalidField(here, absl::StrCat(name, " does not exist; create it first"));
    }
  }
}

void CollectReferences(const Descriptor* message, const std::vector<AggregateType>& aggregates,
                       std::vector<const FieldDescriptor*> path,
                       std::vector<ReferenceField>* found) {
  for (int i = 0; i < message->field_count(); ++i) {
    const auto* field = message->field(i);
    path.push_back(field);
    const std::string& target =
        field->options().GetExtension(google::api::resource_reference).type();
    for (const auto& type : aggregates) {
      const auto& resource = type.state->options().GetExtension(google::api::resource);
      if (!target.empty() && target == resource.type()) found->push_back({path, &type});
    }
    // Messages of this service do not contain themselves; google's well-known ones refer to none.
    if (field->message_type() != nullptr && !field->is_map() &&
        field->message_type()->file()->package() == message->file()->package()) {
      CollectReferences(field->message_type(), aggregates, path, found);
    }
    path.pop_back();
  }
}

}  // namespace

bool EtagMatches(absl::string_view asked, absl::string_view present) {
  const auto bare = [](absl::string_view etag) {
    if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') {
      return etag.substr(1, etag.size() - 2);
    }
    return etag;
  };
  return asked.empty() || bare(asked) == bare(present);
}

std::vector<ReferenceField> FindReferences(const Descriptor* resource,
                                           const std::vector<AggregateType>& aggregates) {
  std::vector<ReferenceField> found;
  CollectReferences(resource, aggregates, {}, &found);
  return found;
}

std::vector<std::string> RowsToRead(const Method& method, const Message* state,
                                    const Message& request, absl::string_view name) {
  if (method.aggregate->reads == nullptr) return {};
  if (method.kind == Method::Kind::kCreate) {
    return method.aggregate->reads(request.GetReflection()->GetMessage(request, method.resource),
                                   name);
  }
  if (state == nullptr) return {};
  return method.aggregate->reads(*state, name);
}

absl::Status CheckReferences(const Message& resource, const Message* present,
                             absl::string_view prefix,
                             const std::vector<ReferenceField>& references, const ReadRow& read) {
  absl::Status status;
  google::protobuf::util::MessageDifferencer differencer;
  for (const auto& reference : references) {
    const std::vector<const FieldDescriptor*> field = {reference.path[0]};
    if (present != nullptr && differencer.CompareWithFields(resource, *present, field, field)) {
      continue;
    }
    CheckReference(resource, reference, 0, std::string(prefix), read, &status);
  }
  return status;
}

absl::StatusOr<bool> DecideWrite(const Method& method, const Message* state, const Message& request,
                                 const Context& context, const std::string& uid, Message* event) {
  if (method.kind == Method::Kind::kCreate) {
    return DecideCreate(method, state, request, context, uid, event);
  }
  RETURN_IF_ERROR(CheckTarget(method, state, request, context));
  const AggregateType& type = *method.aggregate;
  switch (method.kind) {
    case Method::Kind::kUpdate:
      return DecideUpdate(method, *state, request, event);
    case Method::Kind::kDelete:
      if (IsDeleted(type, *state)) return false;
      event->GetReflection()->MutableMessage(event, type.deleted);
      return true;
    case Method::Kind::kUndelete:
      if (!IsDeleted(type, *state)) return false;
      event->GetReflection()->MutableMessage(event, type.undeleted);
      return true;
    case Method::Kind::kVerb:
      return method.command->decide(*state, request, context, event);
    case Method::Kind::kCreate:
    case Method::Kind::kGet:
    case Method::Kind::kList:
    case Method::Kind::kListEvents:
    case Method::Kind::kListRefused:
    case Method::Kind::kQuery:
    case Method::Kind::kRootQuery:
    case Method::Kind::kFlow:
      break;
  }
  Ensure(false, "only writes are decided");
  return false;
}

}  // namespace rapport
