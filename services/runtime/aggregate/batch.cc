#include "services/runtime/aggregate/batch.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/runtime/aggregate/standard.h"
#include "services/runtime/base/ids.h"
#include "services/runtime/base/log_line.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/resource_name.h"
#include "services/runtime/base/time.h"

namespace rapport {

absl::StatusOr<Reply> Batch::Decide(Command& command) {
  if (options_.clock->Steady() > command.call->metadata.deadline) {
    return absl::DeadlineExceededError(
        "the deadline passed while the command waited; nothing was done");
  }
  if (command.own != log::v1::Record::KIND_UNSPECIFIED) {
    RETURN_IF_ERROR(AddOwn(command));
    return Reply{};
  }
  ASSIGN_OR_RETURN(const auto answered, overlay_.FindRequest(command.root, command.request_id));
  if (answered &&
      position_.record_time.seconds() - answered->record_time().seconds() < kRequestWindowSeconds) {
    return AnswerRepeat(command, *answered);
  }
  if (options_.parents != nullptr)
    RETURN_IF_ERROR(options_.parents->Check(command.root, command.parents_needed));
  RETURN_IF_ERROR(CheckOwnRoot(command));
  return DecideNew(command, *command.method->aggregate);
}

// What lies under a root that this service decides: no log needs to be followed for that.
absl::Status Batch::CheckOwnRoot(const Command& command) {
  if (command.method->aggregate->is_root) return absl::OkStatus();
  const AggregateType* type = options_.registry->FindByPlural(CollectionOf(command.root));
  if (type == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Overlay::Row* root, overlay_.Find(*type, command.root));
  if (root->state == nullptr) return NotFound(command.root);
  const bool deleted =
      root->state->GetReflection()->HasField(*root->state, type->fields.delete_time);
  return deleted ? Deleted(command.root) : absl::OkStatus();
}

absl::StatusOr<Reply> Batch::AnswerRepeat(const Command& command,
                                          const log::v1::AnsweredRequest& answered) {
  if (answered.request_hash() != command.request_hash) {
    return RequestIdReused(answered.subject(), command.request_id);
  }
  const auto* type = options_.registry->FindByPlural(CollectionOf(answered.subject()));
  Ensure(type != nullptr, "a request id is stored with a resource of this service");
  ASSIGN_OR_RETURN(const Overlay::Row* row, overlay_.Find(*type, answered.subject()));
  return Reply{.body = row->bytes, .repeat = true};
}

absl::StatusOr<Reply> Batch::DecideNew(Command& command, const AggregateType& type) {
  const Method& method = *command.method;
  const Message& request = *command.call->request;
  const bool fresh = command.name.empty();
  if (fresh) {
    command.name =
        absl::StrCat(command.root, "/", type.plural, "/",
                     MakeUlid(FromTimestamp(position_.record_time),
                              absl::MakeUint128((*options_.random)(), (*options_.random)())));
  }
  Context context{.name = command.name,
                  .occur_time = position_.record_time,
                  .record_time = position_.record_time,
                  .actor = command.call->metadata.actor};
  if (request.GetReflection()->HasField(request, method.occur_time)) {
    context.occur_time = static_cast<const google::protobuf::Timestamp&>(
        request.GetReflection()->GetMessage(request, method.occur_time));
  }
  // An id that was made just now names nothing yet; looking would cost as much as deciding.
  Overlay::Row* row = nullptr;
  if (fresh) {
    row = overlay_.Add(type, command.name);
  } else {
    ASSIGN_OR_RETURN(row, overlay_.Find(type, command.name));
  }
  Message* event = NewMessage(type.event, overlay_.arena());
  const std::string uid = MakeUid(absl::StrCat(command.name, "\n", command.request_id));
  RETURN_IF_ERROR(ReadRows(command, row->state, &context.rows));
  ASSIGN_OR_RETURN(const bool decided,
                   DecideWrite(method, row->state, request, context, uid, event));
  if (method.resource != nullptr) {
    RETURN_IF_ERROR(CheckReferences(request.GetReflection()->GetMessage(request, method.resource),
                                    row->state, method.resource->name(), type.references,
                                    [&](const AggregateType& other, const std::string& name) {
                                      return ReadOther(command.root, other, name);
                                    }));
  }
  if (decided && event->ByteSizeLong() + row->bytes.size() > kMaxRowBytes) {
    return InvalidField(method.resource == nullptr ? "name" : method.resource->name(),
                        absl::StrCat("a resource may have at most ", kMaxRowBytes,
                                     " bytes with its change; split it"));
  }
  if (command.validate_only) return Preview(type, *row, decided ? event : nullptr, context);
  if (decided) {
    RETURN_IF_ERROR(AddRecord(command, context, event));
  } else if (command.request_id_given) {
    RETURN_IF_ERROR(AddRecord(command, context, nullptr));
  }
  return Reply{.body = row->bytes};
}

// A row that a decision looks at: of the same root as the batch's earlier commands leave it, or
// reference data. What another root's row says may change before the decision is durable, so that
// what was taken from it goes into the event.
absl::StatusOr<const Message*> Batch::ReadOther(absl::string_view root, const AggregateType& type,
                                                const std::string& name) {
  if (RootOf(name) != root) {
    ASSIGN_OR_RETURN(const Message* other, options_.read_reference(type, name, overlay_.arena()));
    if (other == nullptr) not_found_.push_back(name);
    return other;
  }
  ASSIGN_OR_RETURN(const Overlay::Row* row, overlay_.Find(type, name));
  return row->state;
}

absl::Status Batch::ReadRows(const Command& command, const Message* state, RowsRead* rows) {
  for (std::string& name :
       RowsToRead(*command.method, state, *command.call->request, command.name)) {
    const AggregateType* type = options_.registry->FindByPlural(CollectionOf(name));
    if (type == nullptr) continue;
    ASSIGN_OR_RETURN(const Message* row, ReadOther(command.root, *type, name));
    if (row != nullptr) rows->Add(std::move(name), row);
  }
  const AggregateType& own = *command.method->aggregate;
  if (own.looks_for == nullptr || state == nullptr) return absl::OkStatus();
  for (const Mark& mark : own.looks_for(*state)) {
    ASSIGN_OR_RETURN(const Overlay::Row* row, overlay_.FindMarked(own, mark));
    if (row != nullptr) rows->AddMarked(mark.name, row->state);
  }
  return absl::OkStatus();
}

absl::StatusOr<Reply> Batch::Preview(const AggregateType& type, const Overlay::Row& row,
                                     const Message* event, const Context& context) {
  Message* preview = NewMessage(type.state, overlay_.arena());
  if (row.state != nullptr) Assign(*row.state, preview);
  if (event != nullptr) {
    Evolve(type, *preview, *event, 0,
           {.name = context.name,
            .occur_time = context.occur_time,
            .record_time = context.record_time});
  }
  preview->GetReflection()->ClearField(preview, type.fields.etag);
  return Reply{.body = preview->SerializeAsString()};
}

log::v1::Record Batch::NextRecord(log::v1::Record::Kind kind, const std::string& subject) const {
  log::v1::Record record;
  record.set_kind(kind);
  record.set_claim_id(position_.validity.claim.id);
  record.set_claim_offset(position_.validity.claim.offset);
  record.set_number(position_.validity.number + static_cast<int64_t>(records_.size()) + 1);
  record.set_subject(subject);
  *record.mutable_record_time() = position_.record_time;
  return record;
}

absl::Status Batch::AddOwn(const Command& command) {
  // Any record is a barrier.
  if (command.own == log::v1::Record::BARRIER && !records_.empty()) return absl::OkStatus();
  log::v1::Record record = NextRecord(command.own, command.name);
  record.set_value(command.own_value);
  std::string bytes = record.SerializeAsString();
  RETURN_IF_ERROR(overlay_.Apply(record, bytes, nullptr));
  records_.push_back(std::move(bytes));
  return absl::OkStatus();
}

// Adds the decision to the batch: as a record for the log, and folded into the overlay.
absl::Status Batch::AddRecord(const Command& command, const Context& context,
                              const Message* event) {
  log::v1::Record record = NextRecord(
      event == nullptr ? log::v1::Record::REQUEST_SETTLED : log::v1::Record::EVENT, context.name);
  record.set_root(command.root);
  *record.mutable_occur_time() = context.occur_time;
  record.set_actor(context.actor);
  record.set_request_id(command.request_id);
  record.set_request_hash(command.request_hash);
  if (IsTraceparent(command.call->metadata.traceparent)) {
    record.set_traceparent(command.call->metadata.traceparent);
  }
  if (event != nullptr) {
    record.set_type(FactOf(*event)->GetDescriptor()->full_name());
    ASSIGN_OR_RETURN(const int64_t last, overlay_.LastSequence(command.root));
    record.set_sequence(last + 1);
    record.set_value(SerializeDeterministic(*event));
  }
  std::string bytes = record.SerializeAsString();
  RETURN_IF_ERROR(overlay_.Apply(record, bytes, event));
  records_.push_back(std::move(bytes));
  return absl::OkStatus();
}

}  // namespace rapport
