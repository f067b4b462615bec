#include "services/runtime/aggregate/reads.h"

#include <algorithm>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "services/runtime/aggregate/field_mask.h"
#include "services/runtime/aggregate/list_order.h"
#include "services/runtime/aggregate/row_cursor.h"
#include "services/runtime/base/filter.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/resource_name.h"
#include "services/runtime/store/keys.h"

namespace rapport {
namespace {

using google::protobuf::FieldMask;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// Of one partition; a row may have 64 KiB.
constexpr size_t kMaxReadAheadRows = 32;

// Whether a serialised message has this field, without parsing it.
bool HasTopLevelField(absl::string_view bytes, int field) {
  CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                      static_cast<int>(bytes.size()));
  while (const uint32_t tag = in.ReadTag()) {
    if (WireFormatLite::GetTagFieldNumber(tag) == field) return true;
    if (!WireFormatLite::SkipField(&in, tag)) return false;
  }
  return false;
}

const FieldDescriptor* Field(const Message& message, const char* name) {
  return message.GetDescriptor()->FindFieldByName(name);
}

FieldMask ReadMask(const Message& request) {
  const auto* field = Field(request, "read_mask");
  if (field == nullptr) return {};
  return static_cast<const FieldMask&>(request.GetReflection()->GetMessage(request, field));
}

// A list that was checked: where to walk, what to keep.
class Listing {
 public:
  static absl::StatusOr<Listing> Make(const ListQuery& query);
  absl::StatusOr<std::string> Run();

 private:
  Listing(const ListQuery& query, Filter filter) : query_(query), filter_(std::move(filter)) {}

  absl::Status ChooseTable();
  std::vector<RowCursor> OpenCursors(const Pager& pager) const;
  absl::StatusOr<bool> Keep(absl::string_view row, std::string* response);
  const AggregateType& type() const { return *query_.method->aggregate; }

  const ListQuery query_;
  Filter filter_;
  FieldMask read_mask_;
  bool show_deleted_ = false;
  std::string parent_;  // "customers/a"; empty for roots and for "-"
  std::string prefix_;  // of the table's keys
  RowCursor::Direction direction_ = RowCursor::kForward;
  std::unique_ptr<Message> scratch_;
};

absl::StatusOr<Listing> Listing::Make(const ListQuery& query) {
  const Message& request = *query.request;
  const auto* reflection = request.GetReflection();
  ASSIGN_OR_RETURN(Filter filter,
                   Filter::Parse(reflection->GetString(request, Field(request, "filter")),
                                 query.method->aggregate->state));
  Listing listing(query, std::move(filter));
  listing.show_deleted_ = reflection->GetBool(request, Field(request, "show_deleted"));
  listing.read_mask_ = ReadMask(request);
  listing.scratch_ = NewMessage(query.method->aggregate->state);
  RETURN_IF_ERROR(ApplyReadMask(listing.read_mask_, listing.scratch_.get()));
  RETURN_IF_ERROR(listing.ChooseTable());
  return listing;
}

absl::Status Listing::ChooseTable() {
  const Message& request = *query_.request;
  const auto* reflection = request.GetReflection();
  if (query_.method->parent != nullptr) {
    parent_ = reflection->GetString(request, query_.method->parent);
    if (IdOf(parent_) == kAnyId) parent_.clear();
  }
  ASSIGN_OR_RETURN(const ListOrder order,
                   ParseOrder(reflection->GetString(request, Field(request, "order_by")), type(),
                              parent_.empty() ? ListedParents::kAll : ListedParents::kOne));
  const bool newest_first = order.field == type().fields.occur_time;  // in the index itself
  direction_ = order.descending != newest_first ? RowCursor::kBackward : RowCursor::kForward;
  if (newest_first) {
    prefix_ = keys::NewestPrefix(type().plural, parent_);
    return absl::OkStatus();
  }
  if (order.field != type().fields.name) {
    prefix_ = keys::IndexPrefix(type().plural, order.field->name());
    return absl::OkStatus();
  }
  prefix_ = keys::Row(type().plural, "");
  for (const auto& equality : filter_.RequiredEqualities()) {
    const auto found =
        std::find_if(type().indexed.begin(), type().indexed.end(),
                     [&](const auto* field) { return field->name() == equality.field; });
    if (found == type().indexed.end() || absl::StrContains(equality.value, '*')) continue;
    prefix_ = keys::Index(type().plural, equality.field, equality.value, "");
    break;
  }
  if (!parent_.empty()) absl::StrAppend(&prefix_, parent_, "/", type().plural, "/");
  return absl::OkStatus();
}

std::vector<RowCursor> Listing::OpenCursors(const Pager& pager) const {
  std::vector<RowCursor> cursors;
  // Of many partitions, each gives few rows of a page.
  const size_t read_ahead =
      query_.stores.size() == 1
          ? std::min(static_cast<size_t>(pager.page_size()), kMaxReadAheadRows)
          : 1;
  for (const Store* store : query_.stores) {
    cursors.emplace_back(*store, type().plural, prefix_, pager.after(), direction_, read_ahead);
  }
  return cursors;
}

absl::StatusOr<bool> Listing::Keep(absl::string_view row, std::string* response) {
  if (row.empty()) return false;
  if (!show_deleted_ && HasTopLevelField(row, type().fields.delete_time->number())) return false;
  if (filter_.empty() && read_mask_.paths().empty()) {
    AppendField(kResponseRows, row, response);
    return true;
  }
  if (!scratch_->ParseFromArray(row.data(), static_cast<int>(row.size()))) {
    return absl::DataLossError("a row of the projection cannot be read");
  }
  if (!filter_.Matches(*scratch_)) return false;
  if (!read_mask_.paths().empty()) RETURN_IF_ERROR(ApplyReadMask(read_mask_, scratch_.get()));
  AppendField(kResponseRows, scratch_->SerializeAsString(), response);
  return true;
}

absl::StatusOr<std::string> Listing::Run() {
  ASSIGN_OR_RETURN(const Pager pager, Pager::Of(*query_.request, query_.token_key));
  return pager.Fill(
      OpenCursors(pager), direction_,
      [this](absl::string_view row, std::string* response) { return Keep(row, response); });
}

}  // namespace

absl::StatusOr<std::string> ReadOne(const Method& method, const Message& request,
                                    const Store& store) {
  const std::string name = request.GetReflection()->GetString(request, method.name);
  const AggregateType& type = *method.aggregate;
  std::string row;
  ASSIGN_OR_RETURN(const bool found, store.Get(keys::Row(type.plural, name), &row));
  if (!found) return NotFound(name);
  const FieldMask mask = ReadMask(request);
  if (mask.paths().empty()) return row;
  const std::unique_ptr<Message> state = NewMessage(type.state);
  if (!state->ParseFromString(row)) return absl::DataLossError("a row cannot be read");
  RETURN_IF_ERROR(ApplyReadMask(mask, state.get()));
  return state->SerializeAsString();
}

absl::StatusOr<std::string> ReadList(const ListQuery& query) {
  ASSIGN_OR_RETURN(Listing listing, Listing::Make(query));
  return listing.Run();
}

absl::StatusOr<std::string> ReadEvents(const log::v1::ListEventsRequest& request,
                                       const Store& store, const std::string& service) {
  if (request.page_size() < 0) return InvalidField("page_size", "must not be negative");
  if (request.before_sequence() < 0) return InvalidField("before_sequence", "must not be negative");
  const int page_size =
      request.page_size() == 0 ? kDefaultPageSize : std::min(request.page_size(), kMaxPageSize);
  const std::string prefix = keys::HistoryPrefix(request.name());
  log::v1::ListEventsResponse response;
  auto walk = store.NewIterator();
  walk->SeekForPrev(keys::History(request.name(), INT64_MAX));
  log::v1::Record record;
  if (walk->Valid() && walk->key().starts_with(prefix)) {
    response.set_last_sequence(keys::SequenceIn(ToView(walk->key())));
    if (request.before_sequence() > 0) {
      walk->SeekForPrev(keys::History(request.name(), request.before_sequence() - 1));
    }
  }
  for (; walk->Valid() && walk->key().starts_with(prefix) && response.events_size() < page_size;
       walk->Prev()) {
    if (!record.ParseFromArray(walk->value().data(), static_cast<int>(walk->value().size()))) {
      return absl::DataLossError(
          absl::StrCat("the history of ", request.name(), " cannot be read"));
    }
    auto* event = response.add_events();
    event->set_service(service);
    event->set_sequence(record.sequence());
    event->set_type(record.type());
    event->set_subject(record.subject());
    *event->mutable_occur_time() = record.occur_time();
    *event->mutable_record_time() = record.record_time();
    event->set_actor(record.actor());
    event->set_request_id(record.request_id());
    event->set_traceparent(record.traceparent());
    // The stored value is a oneof with one fact in it: a tag, a length, the fact's bytes.
    CodedInputStream in(reinterpret_cast<const uint8_t*>(record.value().data()),
                        static_cast<int>(record.value().size()));
    uint32_t size = 0;
    in.ReadTag();
    in.ReadVarint32(&size);
    event->mutable_fact()->set_type_url(absl::StrCat("type.googleapis.com/", record.type()));
    event->mutable_fact()->set_value(record.value().substr(in.CurrentPosition(), size));
  }
  RETURN_IF_ERROR(store.StatusOf(*walk));
  return response.SerializeAsString();
}

absl::StatusOr<std::string> ReadRefused(const log::v1::ListRefusedReactionsRequest& request,
                                        const std::vector<const Store*>& stores,
                                        absl::string_view token_key) {
  log::v1::RefusedReaction reaction;
  ASSIGN_OR_RETURN(const Filter filter, Filter::Parse(request.filter(), reaction.GetDescriptor()));
  ASSIGN_OR_RETURN(const Pager pager, Pager::Of(request, token_key));
  std::vector<RowCursor> cursors;
  for (const Store* store : stores) {
    cursors.emplace_back(*store, "", std::string(keys::kRefusedPrefix), pager.after(),
                         RowCursor::kForward, 1);
  }
  const auto keep = [&](absl::string_view row, std::string* response) -> absl::StatusOr<bool> {
    if (!filter.empty()) {
      if (!reaction.ParseFromArray(row.data(), static_cast<int>(row.size()))) {
        return absl::DataLossError("a refused reaction of the projection cannot be read");
      }
      if (!filter.Matches(reaction)) return false;
    }
    AppendField(kResponseRows, row, response);
    return true;
  };
  return pager.Fill(std::move(cursors), RowCursor::kForward, keep);
}

}  // namespace rapport
