#include "services/runtime/log/validity.h"

#include <gtest/gtest.h>

namespace rapport {
namespace {

using log::v1::Record;

// A claim, or a record written under one.
Record Claim(uint64_t id) {
  Record record;
  record.set_kind(Record::CLAIM);
  record.set_claim_id(id);
  return record;
}
Record Event(Epoch epoch, int64_t number) {
  Record record;
  record.set_kind(Record::EVENT);
  record.set_claim_offset(epoch.offset);
  record.set_claim_id(epoch.id);
  record.set_number(number);
  return record;
}
Record Settled(Epoch epoch, int64_t number) {
  Record record = Event(epoch, number);
  record.set_kind(Record::REQUEST_SETTLED);
  return record;
}

// '+' for each record that counts, '.' for each that is void.
std::string Verdicts(const std::vector<Record>& records) {
  Validity validity;
  std::string verdicts;
  for (size_t offset = 0; offset < records.size(); ++offset) {
    verdicts += validity.Admit(static_cast<Offset>(offset), records[offset]) ? '+' : '.';
  }
  return verdicts;
}

constexpr Epoch kA{.offset = 0, .id = 11};

TEST(Validity, IsOneRule) {
  const struct {
    const char* story;
    std::vector<Record> records;
    const char* verdicts;
  } kRows[] = {
      {"nothing counts before the first claim", {Event(kA, 1), Settled(kA, 1)}, ".."},
      {"an owner writes 1, 2, 3", {Claim(11), Event(kA, 1), Settled(kA, 2), Event(kA, 3)}, "++++"},
      {"a lost record voids what was decided upon it",
       {Claim(11), Event(kA, 1), Event(kA, 3), Event(kA, 4)},
       "++.."},
      {"a lost record that lands late takes its place, its successor does not",
       {Claim(11), Event(kA, 2), Event(kA, 1), Event(kA, 2)},
       "+.++"},
      {"a doubled record counts once", {Claim(11), Event(kA, 1), Event(kA, 1)}, "++."},
      {"numbers begin at 1", {Claim(11), Event(kA, 0), Event(kA, -1), Event(kA, 2)}, "+..."},
      {"a newer claim ends the epoch before",
       {Claim(11), Event(kA, 1), Claim(22), Event(kA, 2), Event({2, 22}, 1)},
       "+++.+"},
      {"a number does not go on over claims",
       {Claim(11), Event(kA, 1), Claim(22), Event({2, 22}, 2), Event({2, 22}, 1)},
       "+++.+"},
      {"an id alone is no epoch: claims with one id differ by offset",
       {Claim(11), Claim(11), Event(kA, 1), Event({1, 11}, 1)},
       "++.+"},
      {"an offset alone is no epoch", {Claim(11), Event({0, 12}, 1), Event(kA, 1)}, "+.+"},
      {"an epoch never comes back",
       {Claim(11), Claim(22), Event(kA, 1), Claim(33), Event(kA, 1), Event({1, 22}, 1),
        Event({3, 33}, 1)},
       "++.+..+"},
      {"an old claim that lands late deposes the new owner",
       {Claim(22), Event({0, 22}, 1), Claim(11), Event({0, 22}, 2)},
       "+++."},
  };
  for (const auto& row : kRows) EXPECT_EQ(Verdicts(row.records), row.verdicts) << row.story;
}

TEST(Validity, GoesOnFromACheckpoint) {
  Validity validity{.claim = {.offset = 7, .id = 11}, .number = 4};
  EXPECT_FALSE(validity.Admit(12, Event({7, 11}, 4)));
  EXPECT_TRUE(validity.Admit(13, Event({7, 11}, 5)));
}

TEST(Validity, OfAVoidRecordMovesNothing) {
  Validity validity{.claim = {.offset = 7, .id = 11}, .number = 4};
  EXPECT_FALSE(validity.Admit(8, Event({7, 12}, 5)));
  EXPECT_EQ(validity.number, 4);
  EXPECT_EQ(validity.claim.id, 11u);
}

}  // namespace
}  // namespace rapport
