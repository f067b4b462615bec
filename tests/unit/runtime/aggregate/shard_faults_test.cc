// Two owners that both believe in themselves, a log that lies, clients that repeat: every command
// is done exactly once.
#include <thread>

#include "services/runtime/base/time.h"
#include "tests/unit/runtime/aggregate/shard_harness.h"

namespace rapport {
namespace {

constexpr int kClients = 4;
constexpr int kCommandsOfAClient = 60;
constexpr double kChanceOfFault = 0.1;

service::v1::EscalateCaseRequest Escalate(const std::string& request_id) {
  service::v1::EscalateCaseRequest request;
  request.set_name("customers/ada/cases/a");
  request.set_reason("it burns");
  request.set_request_id(request_id);
  return request;
}

TEST(ShardFaults, DoEveryCommandExactlyOnce) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  FakeLog log;
  ManualClock clock(absl::FromUnixSeconds(1'767'225'600));
  ShardHarness owners[2] = {{service::Spec(), &log, &clock}, {service::Spec(), &log, &clock}};

  service::v1::CreateCaseRequest open;
  open.set_parent("customers/ada");
  open.set_case_id("a");
  open.set_request_id("open");
  open.mutable_case_()->set_subject("It squeaks");
  ASSERT_TRUE(owners[0].CallUntilKnown(open).status.ok());

  log.ScriptChance(kChanceOfFault, seed);
  std::atomic<bool> late_records_land{true};
  std::thread broker([&] {
    while (late_records_land) {
      log.LandLate();
      std::this_thread::yield();
    }
  });
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      std::mt19937 random(seed + client);
      int owner = 0;
      for (int i = 0; i < kCommandsOfAClient; ++i) {
        const auto request = Escalate(absl::StrCat(client, "-", i));
        while (true) {
          const Reply reply = owners[owner].Call(request);
          if (reply.status.ok()) break;
          ASSERT_TRUE(absl::IsUnavailable(reply.status) || absl::IsResourceExhausted(reply.status))
              << reply.status;
          if (random() % 8 == 0) owner = 1 - owner;
        }
      }
    });
  }
  for (auto& client : clients) client.join();
  late_records_land = false;
  broker.join();
  log.ScriptChance(0, seed);

  // A repeat of the first command shows the present state.
  const Reply present = owners[0].CallUntilKnown(Escalate("0-0"));
  EXPECT_TRUE(present.repeat);
  EXPECT_EQ(Parsed<service::v1::Case>(present).escalation_level(), kClients * kCommandsOfAClient);
  int events = 0;
  for (const auto& record : log.Valid(owners[0].partition())) {
    if (record.kind() != log::v1::Record::EVENT) continue;
    EXPECT_EQ(record.sequence(), ++events);
  }
  EXPECT_EQ(events, 1 + kClients * kCommandsOfAClient);

  for (auto& owner : owners) {
    owner.CallUntilKnown(Escalate("0-0"));  // has seen all
    owner.Stop();
    EXPECT_EQ(ShardHarness::Dump(owner.store()), owner.Rebuilt());
  }
}

// Somebody sets the wall clock, by an hour this way and that, while the shard waits after a
// failure: its pauses are not measured by it, and recorded time does not go back.
TEST(ShardFaults, AClockThatIsSetHoldsNobodyUp) {
  FakeLog log;
  ManualClock clock(absl::FromUnixSeconds(1'767'225'600));
  ShardHarness owner(service::Spec(), &log, &clock);
  service::v1::CreateCaseRequest open;
  open.set_parent("customers/ada");
  open.set_case_id("a");
  open.mutable_case_()->set_subject("It squeaks");
  ASSERT_TRUE(owner.CallUntilKnown(open).status.ok());
  int escalated = 0;
  for (const absl::Duration by :
       {absl::Hours(-1), absl::Hours(1), absl::Hours(1), absl::Hours(-1)}) {
    log.ScriptAppends({FakeLog::Fate::kLost});
    EXPECT_TRUE(absl::IsUnavailable(owner.Call(Escalate("lost")).status));
    clock.Jump(by);
    const absl::Time before = clock.Steady();
    const Reply reply = owner.CallUntilKnown(Escalate(absl::StrCat("e", escalated)));
    EXPECT_EQ(Parsed<service::v1::Case>(reply).escalation_level(), ++escalated);
    EXPECT_LT(clock.Steady() - before, absl::Seconds(1));
  }
  absl::Time last = absl::InfinitePast();
  for (const auto& record : log.Valid(owner.partition())) {
    if (record.kind() == log::v1::Record::CLAIM) continue;
    EXPECT_GE(FromTimestamp(record.record_time()), last);
    last = FromTimestamp(record.record_time());
  }
}

}  // namespace
}  // namespace rapport
