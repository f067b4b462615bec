// From a complaint to a call: when a customer complains who has earned the enterprise more than the
// threshold, that is recorded with what was seen (RecoveryTriggered), and the account owner gets
// one activity.
//
// Two processes: the first depends on what is known just then, so it appends its decision as a
// fact; the second follows from that fact alone.
#pragma once

#include "google/type/money.pb.h"
#include "services/runtime/aggregate/process.h"

namespace rapport::marketing {

std::vector<ProcessSpec> RecoveryProcesses(const google::type::Money& threshold);

}  // namespace rapport::marketing
