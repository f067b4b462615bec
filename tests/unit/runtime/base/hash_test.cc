#include "services/runtime/base/hash.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"

namespace rapport {
namespace {

TEST(Murmur2, AnswersAsKafkaDoes) {
  // From Kafka's own UtilsTest.
  const struct {
    absl::string_view data;
    int32_t hash;
  } kCases[] = {
      {"21", -973932308},
      {"foobar", -790332482},
      {"a-little-bit-long-string", -985981536},
      {"a-little-bit-longer-string", -1486304829},
      {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
      {"abc", 479470107},
  };
  for (const auto& c : kCases) EXPECT_EQ(static_cast<int32_t>(Murmur2(c.data)), c.hash) << c.data;
}

TEST(PartitionOf, StaysWithinThePartitions) {
  EXPECT_EQ(PartitionOf("foobar", 32), (-790332482 & 0x7fffffff) % 32);
  for (int partitions : {1, 7, 32, 128}) {
    for (int i = 0; i < 1000; ++i) {
      const int partition = PartitionOf("customers/" + std::to_string(i), partitions);
      ASSERT_GE(partition, 0);
      ASSERT_LT(partition, partitions);
    }
  }
}

TEST(KeyedHash, DependsOnKeyAndData) {
  const std::string hash = KeyedHash("key", "data");
  EXPECT_EQ(hash.size(), kKeyedHashBytes);
  EXPECT_EQ(hash, KeyedHash("key", "data"));
  EXPECT_NE(hash, KeyedHash("kez", "data"));
  EXPECT_NE(hash, KeyedHash("key", "dat"));
  EXPECT_NE(KeyedHash(std::string(200, 'k'), "data"), KeyedHash(std::string(201, 'k'), "data"));
}

TEST(HmacSha256, AnswersAsRfc4231Says) {
  EXPECT_EQ(absl::BytesToHexString(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

}  // namespace
}  // namespace rapport
