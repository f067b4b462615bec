// What processes were refused for good is a row each, whatever becomes of the record that says so.
#include "rapport/log/v1/process.pb.h"
#include "tests/unit/runtime/aggregate/shard_harness.h"

namespace rapport {
namespace {

using Fate = FakeLog::Fate;

// Records that a process was refused these commands.
absl::Status Advance(ShardHarness& shard, const std::vector<std::string>& request_ids) {
  log::v1::ProcessAdvanced advanced;
  for (const auto& id : request_ids) advanced.add_refused()->set_request_id(id);
  auto reply = std::make_shared<testing_support::Eventually<Reply>>();
  Command command{.call = std::make_unique<Call>(),
                  .name = "recovery",
                  .own = log::v1::Record::PROCESS_ADVANCED,
                  .own_value = advanced.SerializeAsString()};
  command.call->done = [reply](Reply answer) { reply->Set(std::move(answer)); };
  shard.shard().Submit(std::move(command));
  return reply->Get().status;
}

// In the order of the table: the process and the request id of each.
std::vector<std::string> Refused(const Store& store) {
  std::vector<std::string> rows;
  log::v1::RefusedReaction row;
  const auto walk = store.NewIterator();
  for (walk->Seek("F"); walk->Valid() && walk->key().starts_with("F"); walk->Next()) {
    EXPECT_TRUE(row.ParseFromString(walk->value().ToString()));
    EXPECT_GT(row.record_time().seconds(), 0);
    rows.push_back(absl::StrCat(row.process(), " ", row.request_id()));
  }
  return rows;
}

TEST(ShardRefused, IsKeptOnceNewestFirst) {
  FakeLog log;
  ManualClock clock(absl::FromUnixSeconds(1'767'225'600));
  ShardHarness shard(service::Spec(), &log, &clock);
  shard.Serve();
  EXPECT_TRUE(Advance(shard, {"r1"}).ok());
  clock.Advance(absl::Seconds(1));
  log.ScriptAppends({Fate::kWrittenButUnknown});
  EXPECT_TRUE(absl::IsUnavailable(Advance(shard, {"r3", "r2"})));
  clock.Advance(absl::Seconds(1));
  log.ScriptAppends({Fate::kLost});
  shard.Serve();
  EXPECT_TRUE(absl::IsUnavailable(Advance(shard, {"r4"})));
  shard.Serve();
  EXPECT_TRUE(Advance(shard, {}).ok());
  EXPECT_EQ(Refused(shard.store()),
            (std::vector<std::string>{"recovery r2", "recovery r3", "recovery r1"}));
  shard.Stop();
  EXPECT_EQ(ShardHarness::Dump(shard.store()), shard.Rebuilt());
}

}  // namespace
}  // namespace rapport
