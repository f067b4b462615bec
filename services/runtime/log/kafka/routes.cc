#include "services/runtime/log/kafka/routes.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/runtime/base/clock.h"
#include "services/runtime/base/log_line.h"
#include "services/runtime/base/status.h"
#include "services/runtime/log/kafka/topics.h"

namespace rapport {
namespace {

constexpr int kPollMs = 50;
constexpr absl::Duration kSayAgainAfter = absl::Seconds(2);
constexpr absl::Duration kCaughtUpPoll = absl::Milliseconds(5);

using Message = std::unique_ptr<rd_kafka_message_t, KafkaDelete<rd_kafka_message_destroy>>;

std::string KeyOf(const log::v1::Route& route) {
  return absl::StrCat(route.topic(), "/", route.partition());
}

}  // namespace

KafkaRoutes::KafkaRoutes(KafkaLogOptions options, Learned learned)
    : options_(std::move(options)),
      topic_(options_.topic_prefix + "rapport.routes"),
      learned_(std::move(learned)) {}

absl::StatusOr<std::unique_ptr<KafkaRoutes>> KafkaRoutes::Follow(KafkaLogOptions options,
                                                                 Learned learned) {
  std::unique_ptr<KafkaRoutes> routes(new KafkaRoutes(std::move(options), std::move(learned)));
  RETURN_IF_ERROR(routes->Open());
  const absl::Time deadline = SteadyNow() + routes->options_.request_timeout;
  while (!routes->caught_up_) {
    if (SteadyNow() > deadline) {
      return Unavailable(absl::StrCat("Kafka does not give what ", routes->topic_, " holds"));
    }
    absl::SleepFor(kCaughtUpPoll);
  }
  return routes;
}

absl::Status KafkaRoutes::Open() {
  ASSIGN_OR_RETURN(KafkaConf writing, MakeKafkaConf(options_, {{"acks", "all"}}));
  ASSIGN_OR_RETURN(writer_, OpenKafkaClient(RD_KAFKA_PRODUCER, std::move(writing)));
  RETURN_IF_ERROR(EnsureKafkaTopic(
      writer_.get(), options_, topic_, 1,
      {{"cleanup.policy", "compact"}, {"unclean.leader.election.enable", "false"}}));
  // Named because librdkafka wants it: nothing is committed and nothing is shared out.
  ASSIGN_OR_RETURN(KafkaConf reading, MakeKafkaConf(options_, {{"group.id", topic_},
                                                               {"enable.auto.commit", "false"},
                                                               {"enable.partition.eof", "true"},
                                                               {"auto.offset.reset", "earliest"},
                                                               // So long it takes to see the end.
                                                               {"fetch.wait.max.ms", "50"},
                                                               {"fetch.error.backoff.ms", "50"}}));
  ASSIGN_OR_RETURN(reader_, OpenKafkaClient(RD_KAFKA_CONSUMER, std::move(reading)));
  const KafkaPartitions whole(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(whole.get(), topic_.c_str(), 0)->offset =
      RD_KAFKA_OFFSET_BEGINNING;
  const rd_kafka_resp_err_t assigned = rd_kafka_assign(reader_.get(), whole.get());
  if (assigned != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return KafkaError(absl::StrCat("cannot read ", topic_), assigned);
  }
  rd_kafka_poll_set_consumer(reader_.get());
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

KafkaRoutes::~KafkaRoutes() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void KafkaRoutes::Publish(log::v1::Route route) {
  std::lock_guard lock(mutex_);
  Own& own = own_[KeyOf(route)];
  own = {.route = std::move(route)};
  Say(own);
}

void KafkaRoutes::Run() {
  while (!stopping_) {
    const Message message(rd_kafka_consumer_poll(reader_.get(), kPollMs));
    if (message != nullptr) Take(*message);
    rd_kafka_poll(writer_.get(), 0);
    SayAgain();
  }
}

void KafkaRoutes::Take(const rd_kafka_message_t& message) {
  if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    caught_up_ = true;
    return;
  }
  log::v1::Route route;
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    Log(Level::kWarning, "routes", {{"topic", topic_}, {"error", rd_kafka_err2str(message.err)}});
    return;
  }
  if (!route.ParseFromArray(message.payload, static_cast<int>(message.len))) {
    Log(Level::kError, "routes",
        {{"topic", topic_}, {"error", "a message that is no route; somebody else writes here"}});
    return;
  }
  {
    std::lock_guard lock(mutex_);
    const auto own = own_.find(KeyOf(route));
    if (own != own_.end()) {
      const int64_t claim = own->second.route.claim_offset();
      own->second.heard = claim == route.claim_offset();
      if (claim < route.claim_offset()) own_.erase(own);
    }
  }
  learned_(route);
}

void KafkaRoutes::Say(Own& own) {
  const std::string key = KeyOf(own.route);
  std::string value = own.route.SerializeAsString();
  own.said_at = SteadyNow();
  // Whether it arrived is seen by reading.
  rd_kafka_producev(writer_.get(), RD_KAFKA_V_TOPIC(topic_.c_str()), RD_KAFKA_V_PARTITION(0),
                    RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                    RD_KAFKA_V_KEY(key.data(), key.size()),
                    RD_KAFKA_V_VALUE(value.data(), value.size()), RD_KAFKA_V_END);
}

void KafkaRoutes::SayAgain() {
  const absl::Time now = SteadyNow();
  std::lock_guard lock(mutex_);
  for (auto& [key, own] : own_) {
    if (!own.heard && now - own.said_at > kSayAgainAfter) Say(own);
  }
}

}  // namespace rapport
