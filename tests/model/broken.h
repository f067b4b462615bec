// The ways to break the log's protocol, and processes, that are known to matter, so that the
// checker can be held to finding each. The product has no switch for them: an owner is broken by
// what its log tells it, or by who stands between it and its clients or peers.
#pragma once

#include <memory>
#include <ostream>
#include <vector>

#include "services/runtime/log/log.h"

namespace rapport::model {

enum class Break {
  kNone,
  kNoReplay,                // nothing is replayed after a claim
  kGapUnread,               // a gap before its own record does not make an owner look
  kEpochIgnored,            // a record counts whatever its epoch
  kEpochReused,             // after an unknown outcome an owner goes on under its old claim
  kClaimsNumbered,          // claims are told apart by a number that writers choose
  kRepeatsConfirmedOnly,    // a repeat is looked for in confirmed state only
  kRepeatInFlightAnswered,  // a repeat is answered before the record is durable
  kFailedSkipped,           // a failed record is skipped, and the owner goes on
  kNumberIgnored,           // a record of the latest claim counts whatever its number
  kRefusedBlindly,          // a refusal or repeat is given without a look at the log's end
  kStrongReadUnasked,       // a strong read is answered without a record of the owner
  // Of processes.
  kReactionsUnawaited,  // a process records its cursor before its commands are acknowledged
  kFreshRequestIds,     // each sending of a process's command has a request id of its own
  kSwitchedOnEarly,     // a process that is switched on starts at its source's beginning
};
inline constexpr Break kAllBreaks[] = {Break::kNoReplay,          Break::kGapUnread,
                                       Break::kEpochIgnored,      Break::kEpochReused,
                                       Break::kClaimsNumbered,    Break::kRepeatsConfirmedOnly,
                                       Break::kFailedSkipped,     Break::kRepeatInFlightAnswered,
                                       Break::kNumberIgnored,     Break::kRefusedBlindly,
                                       Break::kStrongReadUnasked, Break::kReactionsUnawaited,
                                       Break::kFreshRequestIds,   Break::kSwitchedOnEarly};

std::ostream& operator<<(std::ostream& out, Break broken);

// Whether it is the process that is broken, and not the protocol.
inline bool IsOfProcess(Break broken) {
  return broken >= Break::kReactionsUnawaited;
}

// What stands behind a request id by which a repeat was hidden from its owner.
inline constexpr char kHiddenRepeat = '~';

// The log of an owner that is broken so; `partition` is the one it owns.
std::unique_ptr<EventLog> BreakLog(Break broken, std::unique_ptr<EventLog> log,
                                   TopicPartition partition);

// The log of a process that is broken so.
std::unique_ptr<EventLog> BreakSource(Break broken, std::unique_ptr<EventLog> log,
                                      TopicPartition source);

// A partition from its beginning as readers see it who are broken so.
std::vector<Entry> AsSeen(Break broken, std::vector<Entry> entries);

}  // namespace rapport::model
