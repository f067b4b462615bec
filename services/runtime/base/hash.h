// The hashes that Rapport depends on for ever: where a record lives, and whether a request is new.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace rapport {

// Kafka's murmur2 (org.apache.kafka.common.utils.Utils), which outside producers and consumers
// compute as well.
uint32_t Murmur2(absl::string_view data);

// The partition of a root ("customers/a") among `partitions`, by Kafka's usual rule.
//   PartitionOf("customers/a", 32)  ->  0 … 31
int PartitionOf(absl::string_view root, int partitions);

// Keys may have any length; an attacker who does not know the key cannot make a hash.
// Bytes, not text. KeyedHash (BLAKE2b) answers 16 bytes, HmacSha256 answers 32.
inline constexpr int kKeyedHashBytes = 16;
std::string KeyedHash(absl::string_view key, absl::string_view data);
std::string HmacSha256(absl::string_view key, absl::string_view data);

}  // namespace rapport
