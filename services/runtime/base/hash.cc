#include "services/runtime/base/hash.h"

#include <sodium.h>

#include "services/runtime/base/status.h"

namespace rapport {
namespace {

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* Bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

std::string Blake2b(absl::string_view key, absl::string_view data, int bytes) {
  // sodium picks its fastest implementation here; it may be called any number of times.
  static const bool ready = sodium_init() >= 0;
  Ensure(ready, "libsodium could not be initialised");
  std::string hash(bytes, '\0');
  crypto_generichash(Bytes(hash), hash.size(), Bytes(data), data.size(), Bytes(key), key.size());
  return hash;
}

}  // namespace

uint32_t Murmur2(absl::string_view data) {
  constexpr uint32_t kSeed = 0x9747b28c;
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  constexpr int kShift = 24;
  const unsigned char* bytes = Bytes(data);
  size_t left = data.size();
  uint32_t hash = kSeed ^ static_cast<uint32_t>(left);
  for (; left >= 4; bytes += 4, left -= 4) {
    uint32_t word = bytes[0] | bytes[1] << 8 | bytes[2] << 16 | uint32_t{bytes[3]} << 24;
    word *= kMultiplier;
    word ^= word >> kShift;
    word *= kMultiplier;
    hash = hash * kMultiplier ^ word;
  }
  if (left == 3) hash ^= uint32_t{bytes[2]} << 16;
  if (left >= 2) hash ^= uint32_t{bytes[1]} << 8;
  if (left >= 1) hash = (hash ^ bytes[0]) * kMultiplier;
  hash ^= hash >> 13;
  hash *= kMultiplier;
  hash ^= hash >> 15;
  return hash;
}

int PartitionOf(absl::string_view root, int partitions) {
  return static_cast<int>((Murmur2(root) & 0x7fffffff) % static_cast<uint32_t>(partitions));
}

std::string KeyedHash(absl::string_view key, absl::string_view data) {
  if (key.size() <= crypto_generichash_KEYBYTES_MAX) return Blake2b(key, data, kKeyedHashBytes);
  return Blake2b(Blake2b("", key, crypto_generichash_KEYBYTES_MAX), data, kKeyedHashBytes);
}

std::string HmacSha256(absl::string_view key, absl::string_view data) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, Bytes(key), key.size());
  crypto_auth_hmacsha256_update(&state, Bytes(data), data.size());
  std::string hash(crypto_auth_hmacsha256_BYTES, '\0');
  crypto_auth_hmacsha256_final(&state, Bytes(hash));
  return hash;
}

}  // namespace rapport
