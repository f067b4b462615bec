// Reads partitions: follows each from where somebody last read, and keeps the latest records of it,
// so that several who read nearly the same place cost one fetch.
//
// A partition has at most kReels places that are followed at a time; who reads from yet another one
// takes the place that was not used for longest.
//
// Threads: any; reads of one place wait for each other.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "services/runtime/log/kafka/client.h"

namespace rapport {

class KafkaReader {
 public:
  static absl::StatusOr<std::unique_ptr<KafkaReader>> Open(const KafkaLogOptions& options);
  ~KafkaReader();

  // Records from `from` on, at most `limit`; waits until there is one, at most for `wait`. From now
  // on `grew` is called with `whose` when there is more to read, on librdkafka's thread.
  absl::StatusOr<std::vector<Entry>> Read(const TopicPartition& partition, const void* whose,
                                          Offset from, size_t limit, absl::Duration wait);

  // Where the partition ended when something was last fetched of it; -1 where nothing was.
  Offset KnownEnd(const TopicPartition& partition);

  // Set before the first read.
  std::function<void(const void* whose)> grew;

 private:
  static constexpr size_t kReels = 2;

  // A place in a partition that is followed.
  struct Reel {
    std::mutex mutex;
    rd_kafka_topic_t* topic = nullptr;
    KafkaQueue queue;
    Offset next = -1;          // comes next from the queue; −1: not begun
    std::deque<Entry> latest;  // those just before `next`
    size_t latest_bytes = 0;
    uint64_t used = 0;

    bool Has(Offset from) const {
      return next >= 0 && from <= next && from >= next - static_cast<Offset>(latest.size());
    }
  };
  struct Followed {
    KafkaReader* reader = nullptr;
    TopicPartition partition;
    const void* whose = nullptr;
    std::array<Reel, kReels> reels;
  };

  Followed& Find(const TopicPartition& partition, const void* whose);
  Reel& Choose(Followed& followed, Offset from, std::unique_lock<std::mutex>* held);
  absl::Status MoveTo(Followed& followed, Reel& reel, Offset from);
  absl::Status Fetch(Followed& followed, Reel& reel, size_t limit, absl::Duration wait);
  absl::Status Take(Followed& followed, Reel& reel, const rd_kafka_message_t& message);
  void Stop(Followed& followed, Reel& reel);

  std::mutex mutex_;
  uint64_t uses_ = 0;
  // The same partition can be begun once in a client: the reels of one number have one together.
  std::array<KafkaClient, kReels> clients_;
  std::map<std::pair<size_t, std::string>, KafkaTopic> topics_;
  std::map<std::pair<std::string, int>, std::unique_ptr<Followed>> followed_;
};

}  // namespace rapport
