// Rapport-Consistency-Token: base64url of a rapport.log.v1.ConsistencyToken.
//
// A sparse map (service, partition) -> offset; every answer's is the request's joined with its
// own, so it only grows. Whoever carries it sees at least that much.
// Threads: pure functions.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "rapport/log/v1/consistency.pb.h"

namespace rapport {

// What fits into the headers of any proxy.
inline constexpr size_t kMaxConsistencyTokenBytes = 4'096;
// The partition number of a service's reference topic in a token.
inline constexpr int kReferencePartition = -1;

// An empty text is an empty token. INVALID_ARGUMENT where it is too long or was not made here.
absl::StatusOr<log::v1::ConsistencyToken> ParseConsistencyToken(absl::string_view text);

std::string FormatConsistencyToken(const log::v1::ConsistencyToken& token);

// Raises the position of (service, partition) to `offset`, adding it where it is missing.
void Raise(log::v1::ConsistencyToken& token, int service, int partition, int64_t offset);

// UNAVAILABLE: the deadline came before the state that a token names.
absl::Status NotSeenYet();

// 0 where the token says nothing.
int64_t OffsetIn(const log::v1::ConsistencyToken& token, int service, int partition);

}  // namespace rapport
