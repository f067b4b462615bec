// What clients did and what they were told: all that the checker knows of a run beside the log.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "services/runtime/aggregate/method.h"
#include "services/runtime/rpc/call.h"

namespace rapport::model {

// One command of a client, however often it is sent.
struct Operation {
  const Method* method = nullptr;
  std::unique_ptr<google::protobuf::Message> request;  // without request_id and validate_only
  std::string request_id;
  bool request_id_given = true;
  bool validate_only = false;
  std::string request_hash;
  std::string root;
  std::string name;  // empty where the server is to make it
};

// The process that sent a command, as its instance knew it then.
struct Sender {
  int64_t claim = 0;   // the offset of its claim
  int64_t cursor = 0;  // how far it had recorded to have acted
};

// One sending of it. Steps are the simulation's.
struct Attempt {
  size_t operation = 0;
  int instance = 0;
  int64_t invoked = 0;
  int64_t answered = 0;  // 0: never
  Reply reply;
  int64_t applied = 0;     // offset up to which its token is
  bool body_known = true;  // false where a broken owner told only that it is done
  std::optional<Sender> sender;
};

// A strong read that was let through, and what its instance had applied then.
struct StrongRead {
  int instance = 0;
  int64_t invoked = 0;
  int64_t applied = 0;
};

struct History {
  std::vector<Operation> operations;
  std::vector<Attempt> attempts;
  std::vector<StrongRead> reads;
};

// Whether the answer leaves open what became of the command.
inline bool LeavesOpen(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ||
         absl::IsDataLoss(status);
}

}  // namespace rapport::model
