// Which records of a partition count: the one rule of the log protocol.
//
// A record is valid if and only if its epoch is the latest claim before it and its number is one
// more than the last valid record's under that claim. The number is what makes one writer safe
// against itself: a client library may time one record out and still send the next, which was
// decided upon it.
#pragma once

#include "services/runtime/log/log.h"

namespace rapport {

// Reads a partition in order from its beginning or from a checkpointed state.
// Threads: none of its own.
struct Validity {
  Epoch claim;         // the latest claim seen
  int64_t number = 0;  // of the last valid record under it

  // Whether the record at `offset` is valid. A claim always is, and begins an epoch.
  bool Admit(Offset offset, const log::v1::Record& record) {
    if (record.kind() == log::v1::Record::CLAIM) {
      claim = {.offset = offset, .id = record.claim_id()};
      number = 0;
      return true;
    }
    if (record.claim_id() != claim.id || record.claim_offset() != claim.offset ||
        record.number() != number + 1) {
      return false;
    }
    ++number;
    return true;
  }
};

}  // namespace rapport
