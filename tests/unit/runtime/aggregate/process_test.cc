// A process whose partition is somebody else's for a while.
#include "services/runtime/aggregate/process.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "google/protobuf/wrappers.pb.h"
#include "tests/unit/runtime/aggregate/shard_harness.h"

namespace rapport {
namespace {

using service::v1::AssignCaseRequest;
using testing::ElementsAre;
using testing_support::WaitUntil;

constexpr char kProcess[] = "assign";

JoinSpec OwnFacts() {
  return {.service = "service",
          .part = google::protobuf::Int64Value::descriptor(),
          .note = google::protobuf::Int64Value::descriptor(),
          .fold = [](Message&, Message&, const log::v1::Record&) {}};
}

// Each case that is opened is assigned twice.
ProcessSpec AssignTwice() {
  return {.name = kProcess,
          .source = "service",
          .plural = "cases",
          .react = [](const log::v1::Record& fact,
                      const Parts&) -> absl::StatusOr<std::vector<Reaction>> {
            std::vector<Reaction> reactions;
            for (const char* assignee : {"one", "two"}) {
              auto request = std::make_unique<AssignCaseRequest>();
              request->set_name(fact.subject());
              request->set_assignee(assignee);
              reactions.push_back({"rapport.service.v1.Service.AssignCase", std::move(request)});
            }
            return reactions;
          }};
}

// Peers that cannot be reached: under which request ids they are asked all the same.
class OutOfReach : public Handler {
 public:
  void Handle(CallPtr call) override {
    {
      std::lock_guard lock(mutex_);
      ids_.push_back(static_cast<const AssignCaseRequest&>(*call->request).request_id());
    }
    Finish(std::move(call), absl::UnavailableError("out of reach"));
  }
  std::vector<std::string> ids() const {
    std::lock_guard lock(mutex_);
    return ids_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> ids_;
};

// Remembers what it was asked, and answers at once; some calls when it is told to.
class Peers : public Handler {
 public:
  void Handle(CallPtr call) override {
    const auto& request = static_cast<const AssignCaseRequest&>(*call->request);
    {
      std::lock_guard lock(mutex_);
      asked_.push_back(absl::StrCat(request.name(), " ", request.assignee()));
      if (asked_.size() > hold_after_) return held_.push_back(std::move(call));
    }
    Finish(std::move(call), Reply{});
  }
  std::vector<std::string> asked() const {
    std::lock_guard lock(mutex_);
    return asked_;
  }
  void HoldAfter(size_t calls) {
    std::lock_guard lock(mutex_);
    hold_after_ = calls;
  }
  void Answer() {
    std::vector<CallPtr> held;
    {
      std::lock_guard lock(mutex_);
      hold_after_ = SIZE_MAX;
      held.swap(held_);
    }
    for (auto& call : held) Finish(std::move(call), Reply{});
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> asked_;
  size_t hold_after_ = SIZE_MAX;
  std::vector<CallPtr> held_;
};

class ProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    owner_.Serve();
    ASSERT_TRUE(WaitUntil([this] {
      Tick();
      return process_.settled();
    }));
  }
  void TearDown() override {
    peers_.Answer();
    process_.Stop();
    owner_.Stop();
    log_.ForgetWatchers();
  }

  void Tick() {
    owner_.shard().Tick();
    process_.Tick();
  }
  void TickUntilAsked(size_t times) {
    ASSERT_TRUE(WaitUntil([this, times] {
      Tick();
      return peers_.asked().size() >= times;
    }));
  }
  void Open(const std::string& id) {
    service::v1::CreateCaseRequest request;
    request.set_parent("customers/ada");
    request.set_case_id(id);
    request.set_request_id("open-" + id);
    request.mutable_case_()->set_subject("It squeaks");
    ASSERT_TRUE(owner_.CallUntilKnown(request).status.ok());
  }
  std::vector<Offset> Cursors() {
    std::vector<Offset> cursors;
    for (const auto& record : log_.Valid(owner_.partition())) {
      log::v1::ProcessAdvanced advanced;
      if (record.kind() != log::v1::Record::PROCESS_ADVANCED) continue;
      EXPECT_TRUE(advanced.ParseFromString(record.value()));
      cursors.push_back(advanced.cursor().next_offset());
    }
    return cursors;
  }
  // Another owner acts upon all there is; then this one has the partition again.
  void LetAnotherActUponAll() {
    const Epoch epoch = log_.ForeignClaim(owner_.partition());
    log::v1::ProcessAdvanced advanced;
    advanced.mutable_cursor()->set_next_offset(epoch.offset + 1);
    advanced.mutable_cursor()->set_claim_id(epoch.id);
    advanced.mutable_cursor()->set_claim_offset(epoch.offset);
    log::v1::Record record;
    record.set_kind(log::v1::Record::PROCESS_ADVANCED);
    record.set_claim_id(epoch.id);
    record.set_claim_offset(epoch.offset);
    record.set_number(1);
    record.set_subject(kProcess);
    record.set_value(advanced.SerializeAsString());
    log_.ForeignWrite(owner_.partition(), record);
    Open("afterwards");
  }

  ProcessOptions Options(Handler* peers, const std::string& secret) {
    return {.spec = &spec_,
            .source = owner_.partition(),
            .shard = &owner_.shard(),
            .log = &log_,
            .peers = peers,
            .executor = &executor_,
            .secret = secret};
  }
  // Under which request id an instance with this secret acts upon the first fact that is new.
  std::string NextRequestId(const std::string& secret) {
    OutOfReach peers;
    Process process(Options(&peers, secret));
    EXPECT_TRUE(WaitUntil([&] {
      owner_.shard().Tick();
      process.Tick();
      return !peers.ids().empty();
    }));
    process.Stop();
    return peers.ids().front();
  }

  FakeLog log_;
  ManualClock clock_{absl::FromUnixSeconds(1'767'225'600)};
  ShardHarness owner_{service::Spec(), &log_, &clock_, std::nullopt, {OwnFacts()}};
  Peers peers_;
  const ProcessSpec spec_ = AssignTwice();
  Executor executor_{1};
  Process process_{Options(&peers_, "ours")};
};

TEST_F(ProcessTest, GoesOnWhereAnotherOwnerLeftOff) {
  Open("a");
  TickUntilAsked(2);
  ASSERT_TRUE(WaitUntil([this] { return Cursors().size() == 2; }));
  Open("b");
  LetAnotherActUponAll();
  TickUntilAsked(4);
  EXPECT_THAT(peers_.asked(), ElementsAre("customers/ada/cases/a one", "customers/ada/cases/a two",
                                          "customers/ada/cases/afterwards one",
                                          "customers/ada/cases/afterwards two"));
}

TEST_F(ProcessTest, LeavesWhatIsUnderWayToAnotherOwner) {
  peers_.HoldAfter(0);
  Open("a");
  TickUntilAsked(1);
  LetAnotherActUponAll();
  peers_.Answer();
  TickUntilAsked(3);
  EXPECT_THAT(peers_.asked(),
              ElementsAre("customers/ada/cases/a one", "customers/ada/cases/afterwards one",
                          "customers/ada/cases/afterwards two"));
}

TEST_F(ProcessTest, DoesNotTakeBackWhatAnotherOwnerRecorded) {
  peers_.HoldAfter(1);
  Open("a");
  TickUntilAsked(2);
  LetAnotherActUponAll();
  peers_.Answer();
  TickUntilAsked(4);
  ASSERT_TRUE(WaitUntil([this] { return Cursors().size() == 3; }));
  const std::vector<Offset> cursors = Cursors();
  EXPECT_TRUE(std::is_sorted(cursors.begin(), cursors.end())) << testing::PrintToString(cursors);
}

TEST_F(ProcessTest, SendsUnderRequestIdsThatOnlyTheSecretTells) {
  Open("a");
  const std::string ours = NextRequestId("ours");
  EXPECT_EQ(NextRequestId("ours"), ours);
  EXPECT_NE(NextRequestId("theirs"), ours);
}

}  // namespace
}  // namespace rapport
