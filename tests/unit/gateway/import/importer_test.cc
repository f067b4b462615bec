#include "gateway/import/importer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "rapport/accounts/v1/accounts_service.pb.h"
#include "services/runtime/base/executor.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

using accounts::v1::CreateCustomerRequest;
using accounts::v1::Customer;
using testing::ElementsAre;

const google::protobuf::MethodDescriptor* CreateCustomer() {
  return google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(
      "rapport.accounts.v1.Accounts.CreateCustomer");
}

std::unique_ptr<CreateCustomerRequest> Request(const std::string& id) {
  auto request = std::make_unique<CreateCustomerRequest>();
  request->set_customer_id(id);
  return request;
}

const CreateCustomerRequest& RequestOf(const CallPtr& call) {
  return static_cast<const CreateCustomerRequest&>(*call->request);
}

Reply Created(const CallPtr& call) {
  Customer customer;
  customer.set_name(absl::StrCat("customers/", RequestOf(call).customer_id()));
  return {.body = customer.SerializeAsString()};
}

// Keeps every call until the test answers it.
class Keeper : public Handler {
 public:
  void Handle(CallPtr call) override { calls.push_back(std::move(call)); }
  void Answer(size_t i) {
    CallPtr call = std::move(calls[i]);
    Reply reply = Created(call);
    Finish(std::move(call), std::move(reply));
  }
  void Answer(size_t i, absl::Status error) { Finish(std::move(calls[i]), std::move(error)); }

  std::deque<CallPtr> calls;
};

class ImporterTest : public testing::Test {
 protected:
  Importer::Options Options() {
    return {.job = "job",
            .run_after =
                [this](absl::Duration pause, absl::AnyInvocable<void()> task) {
                  pauses_.push_back(pause);
                  later_.push_back(std::move(task));
                },
            .now = [this] { return now_; },
            .window_rows = 4};
  }
  Importer::OnResult Results() {
    return [this](ImportResult result) { results_.push_back(std::move(result)); };
  }
  std::vector<int64_t> RowsAnswered() const {
    std::vector<int64_t> rows;
    for (const ImportResult& result : results_) rows.push_back(result.row);
    return rows;
  }

  Keeper keeper_;
  absl::Time now_ = absl::FromUnixSeconds(1'000);
  std::vector<absl::Duration> pauses_;
  std::deque<absl::AnyInvocable<void()>> later_;
  std::vector<ImportResult> results_;
};

TEST_F(ImporterTest, AnswersInTheOrderOfTheRows) {
  Importer importer(&keeper_, Options(), Results());
  importer.Push(1, CreateCustomer(), Request("a"));
  importer.PushError(2, absl::InvalidArgumentError("bad"));
  importer.Push(4, CreateCustomer(), Request("c"));
  keeper_.Answer(1);
  EXPECT_TRUE(results_.empty());
  keeper_.Answer(0);
  EXPECT_THAT(RowsAnswered(), ElementsAre(1, 2, 4));
  EXPECT_EQ(results_[0].name, "customers/a");
  EXPECT_EQ(results_[1].status.message(), "bad");
  EXPECT_EQ(results_[2].name, "customers/c");
}

TEST_F(ImporterTest, MakesRequestIdsOfJobAndRow) {
  Importer importer(&keeper_, Options(), Results());
  importer.Push(7, CreateCustomer(), Request("a"));
  auto own = Request("b");
  own->set_request_id("mine");
  importer.Push(8, CreateCustomer(), std::move(own));
  EXPECT_EQ(RequestOf(keeper_.calls[0]).request_id(), "job:7");
  EXPECT_EQ(RequestOf(keeper_.calls[1]).request_id(), "mine");
  EXPECT_EQ(keeper_.calls[0]->metadata.deadline, now_ + kImportRowTimeout);
}

TEST_F(ImporterTest, SaysWhenItIsFullAndWhenThereIsRoom) {
  Importer importer(&keeper_, Options(), Results());
  EXPECT_TRUE(importer.Push(1, CreateCustomer(), Request("a")));
  EXPECT_TRUE(importer.Push(2, CreateCustomer(), Request("b")));
  EXPECT_TRUE(importer.Push(3, CreateCustomer(), Request("c")));
  EXPECT_FALSE(importer.Push(4, CreateCustomer(), Request("d")));
  bool room = false;
  importer.OnRoom([&room] { room = true; });
  keeper_.Answer(3);
  keeper_.Answer(2);
  EXPECT_FALSE(room) << "what waits for its turn still fills the window";
  keeper_.Answer(0);
  EXPECT_FALSE(room) << "three of four are taken";
  keeper_.Answer(1);
  EXPECT_TRUE(room);
}

TEST_F(ImporterTest, CountsBytesToo) {
  Importer::Options options = Options();
  options.window_bytes = 1'000;
  Importer importer(&keeper_, std::move(options), Results());
  EXPECT_FALSE(importer.Push(1, CreateCustomer(), Request(std::string(2'000, 'x'))));
  bool room = false;
  importer.OnRoom([&room] { room = true; });
  EXPECT_FALSE(room);
  keeper_.Answer(0);
  EXPECT_TRUE(room);
}

TEST_F(ImporterTest, TriesAgainWithLongerPauses) {
  Importer importer(&keeper_, Options(), Results());
  importer.Push(1, CreateCustomer(), Request("a"));
  keeper_.Answer(0, absl::UnavailableError("away"));
  later_[0]();
  keeper_.Answer(1, absl::ResourceExhaustedError("full"));
  later_[1]();
  keeper_.Answer(2, Unavailable("away", absl::Seconds(3)));
  later_[2]();
  EXPECT_THAT(pauses_, ElementsAre(kImportFirstPause, 2 * kImportFirstPause, absl::Seconds(3)));
  EXPECT_EQ(RequestOf(keeper_.calls[3]).request_id(), "job:1");
  EXPECT_TRUE(results_.empty());
  keeper_.Answer(3);
  EXPECT_EQ(results_[0].name, "customers/a");
}

TEST_F(ImporterTest, GivesUpAtTheDeadlineAndOnOtherErrors) {
  Importer importer(&keeper_, Options(), Results());
  importer.Push(1, CreateCustomer(), Request("a"));
  importer.Push(2, CreateCustomer(), Request("b"));
  now_ += kImportRowTimeout;
  keeper_.Answer(0, absl::UnavailableError("away"));
  keeper_.Answer(1, absl::NotFoundError("no"));
  EXPECT_TRUE(later_.empty());
  EXPECT_EQ(results_[0].status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(results_[1].status.code(), absl::StatusCode::kNotFound);
}

TEST_F(ImporterTest, FinishesAfterTheLastResult) {
  Importer importer(&keeper_, Options(), Results());
  importer.Push(1, CreateCustomer(), Request("a"));
  importer.PushError(2, absl::InvalidArgumentError("bad"));
  std::optional<ImportCounts> counts;
  importer.Finish([&](ImportCounts final_counts) {
    EXPECT_EQ(results_.size(), 2u);
    counts = final_counts;
  });
  EXPECT_FALSE(counts.has_value());
  keeper_.Answer(0);
  ASSERT_TRUE(counts.has_value());
  EXPECT_EQ(counts->rows, 2);
  EXPECT_EQ(counts->succeeded, 1);
  EXPECT_EQ(counts->failed, 1);
}

TEST_F(ImporterTest, FinishesAnEmptyJobAtOnce) {
  Importer importer(&keeper_, Options(), Results());
  bool finished = false;
  importer.Finish([&](ImportCounts counts) { finished = counts.rows == 0; });
  EXPECT_TRUE(finished);
}

TEST_F(ImporterTest, IsSilentAfterItsEnd) {
  {
    Importer importer(&keeper_, Options(), Results());
    importer.Push(1, CreateCustomer(), Request("a"));
    importer.Push(2, CreateCustomer(), Request("b"));
  }
  keeper_.Answer(0);
  keeper_.Answer(1, absl::UnavailableError("away"));
  for (auto& task : later_) task();
  EXPECT_TRUE(results_.empty());
  EXPECT_EQ(keeper_.calls.size(), 2u);
}

TEST(Importer, ChecksJobNames) {
  for (const char* good : {"a", "2026-11", "A.b_c-9"}) EXPECT_TRUE(Importer::CheckJob(good).ok());
  for (const std::string& bad : {std::string(), std::string("a b"), std::string("a:b"),
                                 std::string("é"), std::string(41, 'a')}) {
    EXPECT_EQ(Importer::CheckJob(bad).code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

// Answers on several threads, some at the first try, some not.
class Scattered : public Handler {
 public:
  void Handle(CallPtr call) override {
    executor_.Submit([call = std::move(call), n = count_++]() mutable {
      if (n % 7 == 3) return Finish(std::move(call), absl::UnavailableError("away"));
      Reply reply = Created(call);
      Finish(std::move(call), std::move(reply));
    });
  }

 private:
  std::atomic<int> count_ = 0;
  Executor executor_{4};
};

TEST(Importer, KeepsOrderUnderManyThreads) {
  constexpr int kRows = 5'000;
  Scattered handler;
  Executor retries(1);
  std::vector<std::string> names;  // results come one at a time
  std::mutex mutex;
  std::condition_variable changed;
  bool room = true, finished = false;
  Importer importer(&handler,
                    {.job = "job",
                     .run_after =
                         [&retries](absl::Duration, absl::AnyInvocable<void()> task) {
                           retries.Submit(std::move(task));
                         }},
                    [&](ImportResult result) { names.push_back(result.name); });
  const auto set = [&](bool& flag) {
    std::lock_guard lock(mutex);
    flag = true;
    changed.notify_all();
  };
  for (int i = 1; i <= kRows; ++i) {
    if (importer.Push(i, CreateCustomer(), Request(absl::StrCat("c", i)))) continue;
    room = false;
    importer.OnRoom([&] { set(room); });
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return room; });
  }
  importer.Finish([&](ImportCounts counts) {
    EXPECT_EQ(counts.succeeded, kRows);
    set(finished);
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return finished; });
  ASSERT_EQ(names.size(), static_cast<size_t>(kRows));
  for (int i = 1; i <= kRows; ++i) EXPECT_EQ(names[i - 1], absl::StrCat("customers/c", i));
}

}  // namespace
}  // namespace rapport
