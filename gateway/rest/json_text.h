// The text forms that JSON bodies, query parameters and error messages share.
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace rapport::rest {

// Appends `text` in quotes, escaped. `text` is valid UTF-8.
void AppendJsonString(absl::string_view text, std::string* out);

// "2026-11-22T18:57:28.120Z", with as many of 0, 3, 6 or 9 digits as the nanoseconds need.
void AppendTimestamp(int64_t seconds, int32_t nanos, std::string* out);
// "1.500s".
void AppendDuration(int64_t seconds, int32_t nanos, std::string* out);

// RFC 3339 with any offset, years 1 to 9999; false if it is anything else.
bool ParseTimestamp(absl::string_view text, int64_t* seconds, int32_t* nanos);
// Seconds with up to nine decimals and an "s"; at most 10,000 years either way.
bool ParseDuration(absl::string_view text, int64_t* seconds, int32_t* nanos);

// unit_price → unitPrice and back, for whole paths. What stands in brackets or quotes (a map key)
// stays as it is, and so does an underscore without a small letter behind it, so that nothing gets
// lost on the way.
std::string CamelCase(absl::string_view path);
std::string SnakeCase(absl::string_view path);

// The offset of the first byte that is not part of valid UTF-8; npos if there is none.
size_t InvalidUtf8(absl::string_view text);

// At most `bytes` bytes from the front of valid UTF-8, whole characters only.
absl::string_view Utf8Prefix(absl::string_view text, size_t bytes);

// A message of the type behind type.googleapis.com/…, or null if this program has no such type.
google::protobuf::Message* NewMessageOfType(absl::string_view type_url,
                                            google::protobuf::Arena* arena);

// Sets `field` of `message`, or adds to it where it is repeated, from its text: numbers, true and
// false, enum names, base64, RFC 3339, field masks. `text` is valid UTF-8. The error is an
// InvalidField with `path`.
absl::Status SetFromText(const google::protobuf::FieldDescriptor* field, absl::string_view text,
                         absl::string_view path, google::protobuf::Message* message);

// The same for a whole Timestamp, Duration or FieldMask.
absl::Status SetWellKnown(absl::string_view text, absl::string_view path,
                          google::protobuf::Message* message);

}  // namespace rapport::rest
