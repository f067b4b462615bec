// A line per call, for who looks for what became of a request: method, code, time, request id,
// resource, trace id; never what is inside request or answer.
#pragma once

#include <string>

#include "services/runtime/rpc/call.h"

namespace rapport {

// The resource that a request is about: its name, its parent, or the name of the resource inside
// it. Empty where it is not made of ids, as it may be anything then.
std::string ResourceOf(const google::protobuf::Message& request);
// The request id of a request that has one and is printable; otherwise empty.
std::string RequestIdOf(const google::protobuf::Message& request);

// A handler in front of another. Threads: any.
class LoggedHandler : public Handler {
 public:
  explicit LoggedHandler(Handler& behind) : behind_(behind) {}
  void Handle(CallPtr call) override;

 private:
  Handler& behind_;
};

}  // namespace rapport
