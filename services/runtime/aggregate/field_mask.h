// google.protobuf.FieldMask as reads (AIP-157) and updates (AIP-134) use it.
//
// A path is proto names joined by dots. Through a list it means every entry (reads only); after a
// map of texts it goes on with a key, which may hold dots: "labels.region", "labels.`a.b`".
// Threads: pure functions.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/message.h"

namespace rapport {

// A mask names what a person or a program has chosen; each path costs a walk.
inline constexpr int kMaxMaskPaths = 200;

// Keeps only what the mask names; an empty mask or "*" keeps all. INVALID_ARGUMENT on "read_mask"
// for an unknown path, also where there is nothing to keep.
absl::Status ApplyReadMask(const google::protobuf::FieldMask& mask,
                           google::protobuf::Message* message);

// The fields that an Update with `mask` changes, sorted, none inside another. An empty mask means
// the fields that `resource` has; "*" means all that can be changed, so that what `resource` lacks
// is cleared. IMMUTABLE fields are in both only where `resource` has them. `name` and `etag` are
// left out wherever they are named.
// INVALID_ARGUMENT on "update_mask" for unknown and OUTPUT_ONLY paths and for paths into a list or
// a value such as Money; on the field's path below `prefix` for a REQUIRED field that would be
// cleared, "case.subject".
absl::StatusOr<google::protobuf::FieldMask> EffectiveUpdateMask(
    const google::protobuf::FieldMask& mask, const google::protobuf::Message& resource,
    absl::string_view prefix = "");

// An effective mask without the IMMUTABLE fields: they stay as they are, with what the server has
// decided inside them. INVALID_ARGUMENT on the first whose value would change.
absl::StatusOr<google::protobuf::FieldMask> KeepImmutable(
    const google::protobuf::FieldMask& effective_mask, const google::protobuf::Message& present,
    const google::protobuf::Message& wanted, absl::string_view prefix = "");

// Adds the fields in which two messages of one type differ to an effective mask.
void AddDifferences(const google::protobuf::Message& before, const google::protobuf::Message& after,
                    google::protobuf::FieldMask* mask);

// Makes the fields in an effective mask of `to` as they are in `from`, absent ones too. Lists,
// maps and messages are replaced whole; "labels.key" sets or removes one entry. Both are of one
// type. Total: paths that the type does not have are skipped, so that old events always apply.
void CopyMasked(const google::protobuf::Message& from, const google::protobuf::FieldMask& mask,
                google::protobuf::Message* to);

}  // namespace rapport
