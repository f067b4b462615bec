// The port to the event log: where facts are kept, and who may add to them.
//
// A topic has numbered partitions; a partition is a gapless sequence of records at offsets 0, 1, …
// To own a partition a writer appends a claim; the claim's offset and random id are the epoch
// under which it writes. Which records count is said by one function, Validity::Admit
// (validity.h), and every reader uses it.
//
// Threads: all functions may be called from any thread. Completions run on
// threads of the log, or of the caller where nothing had to be waited for, in any order; they may
// take as long as a batch is applied. Watchers must be short. Failure: see each function; what is
// not said to be certain is unknown.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "rapport/log/v1/record.pb.h"

namespace rapport {

using Offset = int64_t;

struct TopicPartition {
  std::string topic;  // "rapport.sales", "rapport.sales.reference"
  int partition = 0;
};

struct Epoch {
  Offset offset = -1;
  uint64_t id = 0;
};

// A record as it is stored: a serialised rapport.log.v1.Record.
struct Entry {
  Offset offset = 0;
  std::string bytes;
};

class EventLog {
 public:
  using ClaimDone = absl::AnyInvocable<void(absl::StatusOr<Epoch>)>;
  using AppendDone = absl::AnyInvocable<void(absl::StatusOr<std::vector<Offset>>)>;
  using EndDone = absl::AnyInvocable<void(absl::StatusOr<Offset>)>;

  virtual ~EventLog() = default;

  // Makes the topic, or checks that it has this many partitions. FAILED_PRECONDITION with the mend
  // where it has another number: partitions are fixed when a topic is created.
  virtual absl::Status EnsureTopic(const std::string& topic, int partitions) = 0;

  // How many partitions a topic has. NOT_FOUND where there is no such topic.
  virtual absl::StatusOr<int> Partitions(const std::string& topic) = 0;

  // Appends a claim. Any failure leaves it unknown whether it was appended.
  virtual void Claim(const TopicPartition& partition, ClaimDone done) = 0;

  // Appends serialised records in their order, behind what this caller appended before, and reports
  // their offsets once they are durable. RESOURCE_EXHAUSTED: nothing was written, the same epoch
  // may go on. Any other failure is an unknown outcome: each may be there, now or later; the writer
  // must claim anew.
  virtual void Append(const TopicPartition& partition, std::vector<std::string> records,
                      AppendDone done) = 0;

  // The offset after the last durable record, seen after this call began.
  virtual void End(const TopicPartition& partition, EndDone done) = 0;

  // The log is at least so long, as far as is known here without asking anybody; -1 where nothing
  // is. For who wants to see how far behind a reader is.
  virtual Offset KnownEnd(const TopicPartition& partition) = 0;

  // Durable records from `from` on, at most `limit`; empty at the end.
  virtual absl::StatusOr<std::vector<Entry>> Read(const TopicPartition& partition, Offset from,
                                                  size_t limit) = 0;

  // Calls `grew` when the partition may have grown beyond what was read of it: who then reads to
  // the end misses nothing; until somebody has read, it may not be called again. For the lifetime
  // of the log, so whatever `grew` refers to must outlive it or check.
  virtual void Watch(const TopicPartition& partition, std::function<void()> grew) = 0;

  // Copies what is durable into a new folder, from which the same adapter opens it. A log that is
  // kept elsewhere copies nothing.
  virtual absl::Status CopyTo(const std::string& folder) { return absl::OkStatus(); }
};

// How a log claims: `id` is random, and `done` is told the epoch.
inline void AppendClaim(EventLog& log, const TopicPartition& partition, uint64_t id,
                        const std::string& instance, EventLog::ClaimDone done) {
  log::v1::Record claim;
  claim.set_kind(log::v1::Record::CLAIM);
  claim.set_claim_id(id);
  claim.set_instance(instance);
  log.Append(partition, {claim.SerializeAsString()},
             [id, done = std::move(done)](absl::StatusOr<std::vector<Offset>> offsets) mutable {
               if (!offsets.ok()) return done(offsets.status());
               done(Epoch{.offset = offsets->front(), .id = id});
             });
}

}  // namespace rapport
