// A log's calls for whoever has nothing else to do: they wait and return what the log answers.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/runtime/log/log.h"
#include "tests/support/wait.h"

namespace rapport::testing_support {

// What `call` tells the completion that it is given.
template <class T, class Call>
absl::StatusOr<T> Answer(Call call) {
  // Shared: the log may still be in its completion when we have gone on.
  auto answer = std::make_shared<Eventually<absl::StatusOr<T>>>();
  call([answer](absl::StatusOr<T> value) { answer->Set(std::move(value)); });
  return answer->Get();
}

inline absl::StatusOr<std::vector<Offset>> Append(EventLog& log, const TopicPartition& partition,
                                                  std::vector<std::string> records) {
  return Answer<std::vector<Offset>>(
      [&](auto done) { log.Append(partition, std::move(records), std::move(done)); });
}
inline absl::StatusOr<Epoch> Claim(EventLog& log, const TopicPartition& partition) {
  return Answer<Epoch>([&](auto done) { log.Claim(partition, std::move(done)); });
}
inline absl::StatusOr<Offset> End(EventLog& log, const TopicPartition& partition) {
  return Answer<Offset>([&](auto done) { log.End(partition, std::move(done)); });
}

}  // namespace rapport::testing_support
