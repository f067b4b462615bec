// What every request must look like before anybody looks at what it means.
//
// Rules are read from the descriptor once per message type and kept: field_behavior, max_length
// and resource patterns (proto/rapport/options, google.api).
// Threads: any.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "google/protobuf/message.h"

namespace rapport {

// Limits of fields that declare none.
inline constexpr int kDefaultTextCharacters = 1'000;
inline constexpr int kDefaultRepeatedEntries = 1'000;
// A label's key and value; the number of labels is a field's max_length.
inline constexpr int kLabelKeyCharacters = 63;
inline constexpr int kLabelValueCharacters = 255;
// How deep messages may nest.
inline constexpr int kMaxDepth = 16;

// Checks `request` and brings it into its one form:
//  - OUTPUT_ONLY fields inside the resource are cleared where a Create or Update request carries
//    them, IDENTIFIER fields where a Create does (AIP-203: ignored, not refused). `name` of an
//    Update's resource is required and must have its pattern's form.
//  - unknown fields are dropped: what nobody checked is not stored.
//  - texts become NFC (Unicode normal form C); control characters other than tab and newline are
//    refused; limits count Unicode characters.
//  - REQUIRED fields must be set (non-default scalars, present messages, non-empty lists), except
//    REQUIRED fields of the resource inside an Update, where update_mask decides.
//  - strings, bytes, repeated fields and maps within max_length; enum values known; Money with
//    nanos in range and of one sign with units and a currency of three upper-case letters;
//    Decimal a plain decimal number of at most 28 digits, brought into CanonicalDecimal's form;
//    Timestamp, Duration and Date (whole days only) valid; doubles finite.
//  - resource references of the form that their type's pattern says, where the field has a
//    resource_reference with `type` or `child_type` that is known in the generated pool; the parent
//    of a List may have "-" for an id. A Create's `<resource>_id` is a ValidId; a request_id has no
//    tab or newline; a page_token may have kMaxPageTokenCharacters.
//  - occur_time, where the message has one at the top, not more than a minute after `now_micros`
//    (Unix time in microseconds).
// Generated messages only: values such as Money are read as their generated classes.
// INVALID_ARGUMENT names the first offending field by its proto path, "order.lines[2].amount".
absl::Status CheckShape(google::protobuf::Message& request, int64_t now_micros);

}  // namespace rapport
