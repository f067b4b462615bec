// Request ids of commands that the service sends itself: those of timers and processes.
//
// The same for the same cause, whoever sends it and how often, so that it acts once; and known to
// nobody without the service's secret. Whoever could tell one in advance could send a command of
// their own under it, and the service's would be refused as its repeat with another body. Since no
// outsider can, ids need no reserved form, and a call to a peer in another program carries no mark
// that only an authenticated hop may carry.
//
// So the secret has to be the same in every instance and for ever. Under another one the ids are
// others: what a process had sent and not yet recorded when its owner ended, upon at most
// kMaxReactionRecords facts of each process and partition (process.h), is done a second time. A
// timer still acts once, since its event has moved it. Clients lose more: all their repeats are
// refused. Hence the secret belongs into the backup, and the server does not start upon a broken
// one. Threads: a pure function.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace rapport {

// `sender` is read by people; `cause` says what the command follows from.
//   OwnRequestId(secret, "timer", due)  ->  "timer-9f3c…", 32 digits
std::string OwnRequestId(absl::string_view secret, absl::string_view sender,
                         absl::string_view cause);

}  // namespace rapport
