// One page of a list over several partitions: what all lists do alike.
//
//   ASSIGN_OR_RETURN(const Pager pager, Pager::Of(request, token_key));
//   cursors.emplace_back(*store, plural, prefix, pager.after(), …);   // for each partition
//   return pager.Fill(std::move(cursors), RowCursor::kForward, keep);
//
// Threads: immutable; Fill reads what its cursors see.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "services/runtime/aggregate/row_cursor.h"

namespace rapport {

inline constexpr int kDefaultPageSize = 50;
inline constexpr int kMaxPageSize = 1'000;
// Rows one page may look at; a page that reaches it is short and carries a token.
inline constexpr int kMaxScannedRows = 100'000;

// The field of every list's response that has its rows.
inline constexpr int kResponseRows = 1;

class Pager {
 public:
  // Adds a row to the response, if it belongs to the list; answers whether it did.
  using Keep = std::function<absl::StatusOr<bool>(absl::string_view row, std::string* response)>;

  // The request has a page_size and a page_token; it and `token_key`, which signs tokens, outlive
  // the pager. INVALID_ARGUMENT on either field.
  static absl::StatusOr<Pager> Of(const google::protobuf::Message& request,
                                  absl::string_view token_key);

  int page_size() const { return page_size_; }
  // The position of the last row of the page before; empty on the first.
  const std::string& after() const { return after_; }

  // The serialised response: rows of all cursors in the order of their positions, and the next
  // page's token where there are more. Each position is of one row in all partitions together.
  absl::StatusOr<std::string> Fill(std::vector<RowCursor> cursors, RowCursor::Direction direction,
                                   const Keep& keep) const;

 private:
  Pager(const google::protobuf::Message& request, absl::string_view token_key)
      : request_(request), token_key_(token_key) {}
  std::string Fingerprint() const;

  const google::protobuf::Message& request_;
  absl::string_view token_key_;
  int page_size_ = kDefaultPageSize;
  std::string after_;
};

}  // namespace rapport
