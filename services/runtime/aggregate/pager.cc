#include "services/runtime/aggregate/pager.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "services/runtime/aggregate/overlay.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/page_token.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

constexpr int kResponseNextPageToken = 2;

const FieldDescriptor* Field(const Message& message, const char* name) {
  return message.GetDescriptor()->FindFieldByName(name);
}

// The cursor whose row comes next; null where all are at their end.
RowCursor* NextOf(std::vector<RowCursor>& cursors, RowCursor::Direction direction) {
  RowCursor* next = nullptr;
  for (auto& cursor : cursors) {
    if (!cursor.Valid()) continue;
    const bool sooner = next != nullptr &&
                        (direction == RowCursor::kBackward ? cursor.position() > next->position()
                                                           : cursor.position() < next->position());
    if (next == nullptr || sooner) next = &cursor;
  }
  return next;
}

}  // namespace

absl::StatusOr<Pager> Pager::Of(const Message& request, absl::string_view token_key) {
  Pager pager(request, token_key);
  const auto* reflection = request.GetReflection();
  const int page_size = reflection->GetInt32(request, Field(request, "page_size"));
  if (page_size < 0) return InvalidField("page_size", "must not be negative");
  if (page_size > 0) pager.page_size_ = std::min(page_size, kMaxPageSize);
  const std::string token = reflection->GetString(request, Field(request, "page_token"));
  if (token.empty()) return pager;
  ASSIGN_OR_RETURN(pager.after_, OpenPageToken(token_key, pager.Fingerprint(), token));
  return pager;
}

std::string Pager::Fingerprint() const {
  const std::unique_ptr<Message> query = CopyOf(request_);
  const auto* reflection = query->GetReflection();
  reflection->ClearField(query.get(), Field(*query, "page_size"));
  reflection->ClearField(query.get(), Field(*query, "page_token"));
  return absl::StrCat(query->GetTypeName(), "\n", SerializeDeterministic(*query));
}

absl::StatusOr<std::string> Pager::Fill(std::vector<RowCursor> cursors,
                                        RowCursor::Direction direction, const Keep& keep) const {
  std::string response;
  std::string last;
  int kept = 0;
  int scanned = 0;
  while (RowCursor* next = NextOf(cursors, direction)) {
    if (kept == page_size_ || scanned == kMaxScannedRows) {
      AppendField(kResponseNextPageToken, SealPageToken(token_key_, Fingerprint(), last),
                  &response);
      break;
    }
    ASSIGN_OR_RETURN(const absl::string_view row, next->row());
    ASSIGN_OR_RETURN(const bool kept_it, keep(row, &response));
    kept += kept_it ? 1 : 0;
    ++scanned;
    last = std::string(next->position());
    next->Next();
  }
  for (const auto& cursor : cursors) RETURN_IF_ERROR(cursor.status());
  return response;
}

}  // namespace rapport
