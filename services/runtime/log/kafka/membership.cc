#include "services/runtime/log/kafka/membership.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/runtime/base/log_line.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

constexpr int kPollMs = 100;
// Paused, it reads nothing; a place that is named need not be asked for.
constexpr Offset kNowhere = 0;

using Message = std::unique_ptr<rd_kafka_message_t, KafkaDelete<rd_kafka_message_destroy>>;

}  // namespace

absl::StatusOr<std::unique_ptr<KafkaMembership>> KafkaMembership::Join(
    KafkaMembershipOptions options) {
  const std::string group = options.log.topic_prefix + options.group;
  ASSIGN_OR_RETURN(
      KafkaConf conf,
      MakeKafkaConf(
          options.log,
          {{"group.id", group},
           {"enable.auto.commit", "false"},
           {"auto.offset.reset", "error"},
           // What stays where it is goes on meanwhile.
           {"partition.assignment.strategy", "cooperative-sticky"},
           {"session.timeout.ms", absl::StrCat(Millis(options.log.session_timeout))},
           {"heartbeat.interval.ms", absl::StrCat(Millis(options.log.session_timeout) / 12)}}));
  std::unique_ptr<KafkaMembership> membership(new KafkaMembership(std::move(options)));
  rd_kafka_conf_set_opaque(conf.get(), membership.get());
  rd_kafka_conf_set_rebalance_cb(
      conf.get(),
      [](rd_kafka_t*, rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t* partitions,
         void* self) { static_cast<KafkaMembership*>(self)->Rebalance(what, partitions); });
  ASSIGN_OR_RETURN(membership->client_, OpenKafkaClient(RD_KAFKA_CONSUMER, std::move(conf)));
  rd_kafka_t* const client = membership->client_.get();
  rd_kafka_poll_set_consumer(client);
  const KafkaPartitions topics(rd_kafka_topic_partition_list_new(2));
  for (const std::string& topic : membership->options_.topics) {
    const std::string name = membership->options_.log.topic_prefix + topic;
    rd_kafka_topic_partition_list_add(topics.get(), name.c_str(), RD_KAFKA_PARTITION_UA);
  }
  const rd_kafka_resp_err_t subscribed = rd_kafka_subscribe(client, topics.get());
  if (subscribed != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return KafkaError(absl::StrCat("cannot join the group ", group), subscribed);
  }
  membership->thread_ = std::thread([self = membership.get()] { self->Run(); });
  return membership;
}

KafkaMembership::~KafkaMembership() {
  Leave();
}

void KafkaMembership::Leave() {
  leaving_ = true;
  if (thread_.joinable()) thread_.join();
}

void KafkaMembership::Run() {
  while (!leaving_) {
    const Message message(rd_kafka_consumer_poll(client_.get(), kPollMs));
    if (message == nullptr || message->err == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    Log(Level::kWarning, "kafka group",
        {{"group", options_.group}, {"error", rd_kafka_err2str(message->err)}});
  }
  rd_kafka_consumer_close(client_.get());
}

void KafkaMembership::Rebalance(rd_kafka_resp_err_t what,
                                rd_kafka_topic_partition_list_t* partitions) {
  const bool wanted = what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
  for (int i = 0; i < partitions->cnt; ++i) partitions->elems[i].offset = kNowhere;
  // librdkafka wants to be told that it was heard, whatever becomes of it.
  rd_kafka_error_t* const failed = wanted
                                       ? rd_kafka_incremental_assign(client_.get(), partitions)
                                       : rd_kafka_incremental_unassign(client_.get(), partitions);
  if (failed != nullptr) {
    Log(Level::kWarning, "kafka group",
        {{"group", options_.group}, {"error", rd_kafka_error_string(failed)}});
    rd_kafka_error_destroy(failed);
  } else if (wanted) {
    rd_kafka_pause_partitions(client_.get(), partitions);
  }
  for (int i = 0; i < partitions->cnt; ++i) {
    const rd_kafka_topic_partition_t& one = partitions->elems[i];
    options_.changed({.topic = std::string(one.topic).substr(options_.log.topic_prefix.size()),
                      .partition = one.partition},
                     wanted);
  }
  joined_ = true;
}

absl::StatusOr<int> KafkaMembership::Members() const {
  const std::string group = options_.log.topic_prefix + options_.group;
  const rd_kafka_group_list* groups = nullptr;
  const rd_kafka_resp_err_t asked = rd_kafka_list_groups(client_.get(), group.c_str(), &groups,
                                                         Millis(options_.log.request_timeout));
  if (asked != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return KafkaError(absl::StrCat("who is in the group ", group), asked);
  }
  const int members = groups->group_cnt == 0 ? 0 : groups->groups[0].member_cnt;
  rd_kafka_group_list_destroy(groups);
  return members;
}

}  // namespace rapport
