// The process that is tried: what follows from a case that is opened or escalates.
//
// Whatever follows says in its own text from which fact, so that it can be told without the request
// id whether a fact was acted upon, and how often.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "services/runtime/aggregate/process.h"

namespace rapport::model {

// The process acts upon the log of its own service, which its shard joins.
inline constexpr char kProcess[] = "follow-up";
inline constexpr char kSource[] = "service";

// Counts the facts of each root.
JoinSpec FactsCounted();

// `fails`: whether it cannot say just now what follows.
ProcessSpec FollowUp(std::function<bool()> fails);

// The methods of the commands that follow from a record, in their order.
std::vector<std::string> WhatFollows(const log::v1::Record& record);

// How many refusals a cursor's record says.
int RefusedIn(const log::v1::Record& record);

// From which fact something says that it follows, and how many the process had seen by then.
struct Following {
  std::string method;
  std::string root;
  int64_t sequence = 0;
  int64_t seen = 0;
};
// None of what does not come from the process.
std::optional<Following> FollowingOf(const log::v1::Record& event);
std::optional<Following> FollowingOf(const google::protobuf::Message& request);

}  // namespace rapport::model
