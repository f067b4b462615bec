// A server whose projections were damaged, at rest or under it: it begins them anew from its log by
// itself and loses nothing. A damaged log stops it.
#include <cstdio>
#include <random>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "services/runtime/aggregate/dump.h"
#include "services/runtime/base/resource_name.h"
#include "tests/component/client.h"
#include "tests/component/ctl/random_commands.h"
#include "tests/support/damage.h"
#include "tools/rapportctl/rebuild.h"
#include "tools/rapportctl/verify.h"

namespace rapport::component {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing_support::FilesIn;
using testing_support::Flip;

constexpr int kCommands = 1'500;
constexpr size_t kStride = 300;

struct Folder {
  std::map<std::string, std::string> digests;  // by projection
  Problems problems;
};

class DamageTest : public NodeTest {
 protected:
  void SetUp() override {
    const uint64_t seed = std::random_device{}();
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    random_.seed(seed);
    NodeTest::SetUp();
    EXPECT_GT(RunRandomCommands(node_->handler(), seed, kCommands).done, 0);
    node_.reset();
    before_ = Look();
    ASSERT_THAT(before_.problems, IsEmpty());
  }

  std::string DataDir() const { return folder_.path() + "/data"; }

  // While the node is stopped.
  Folder Look() {
    Folder folder;
    const auto data = *DataFolder::Open(DataDir());
    for (const auto& service : data->services()) {
      for (const auto& projection : service.projections)
        RebuildWhereUnread(*data, service, projection);
      for (const auto& report : VerifyService(*data, service)) {
        folder.problems.insert(folder.problems.end(), report.problems.begin(),
                               report.problems.end());
      }
      for (const auto& projection : service.projections) {
        const auto store = Store::Open(data->resources(), projection.path, StoreMode::kReadOnly);
        folder.digests[projection.path] = DigestOf(**store)->bytes;
      }
    }
    return folder;
  }

  // What nobody reads is not found to be damaged until somebody does: here, by `rapportctl
  // rebuild`.
  static void RebuildWhereUnread(DataFolder& data, const ServiceFolder& service,
                                 const ProjectionFolder& projection) {
    {
      const auto store = Store::Open(data.resources(), projection.path, StoreMode::kReadOnly);
      if (store.ok() && DigestOf(**store).ok()) return;
    }
    const absl::Status built = BuildProjection(data, service, projection.partition, projection.path,
                                               *data.EndOf(projection.partition));
    EXPECT_TRUE(built.ok()) << built;
  }

  // Of those that ReadAll reads whole: what is joined from other services is read by folds only,
  // when the customer's next fact comes.
  std::string AnyProjection() {
    while (true) {
      auto any = before_.digests.begin();
      std::advance(any, random_() % before_.digests.size());
      if (!absl::StrContains(any->first, "/marketing/")) return any->first;
    }
  }
  std::filesystem::path AnyFile(const std::string& folder, const std::string& part) {
    const auto files = FilesIn(folder, part);
    return files[random_() % files.size()];
  }

  // Reads every row of every collection, until all of it can be.
  void ReadAll() {
    for (const auto& spec : AllServices()) {
      const auto methods = *BuildMethods(spec.rpc, spec.aggregates, spec.own_methods);
      for (const auto& [descriptor, method] : methods) {
        if (method.kind != Method::Kind::kList) continue;
        auto request = NewMessage(descriptor->input_type());
        const auto* to = request->GetReflection();
        if (method.parent != nullptr) {
          to->SetString(request.get(), method.parent,
                        absl::StrCat(CollectionOf(RootOf(method.aggregate->pattern)), "/-"));
        }
        to->SetInt32(request.get(), request->GetDescriptor()->FindFieldByName("page_size"), 1'000);
        Reply reply;
        EXPECT_TRUE(testing_support::WaitUntil([&, rpc = descriptor] {
          reply = Call(*node_, rpc, *request);
          return reply.status.ok();
        })) << descriptor->full_name()
            << ": " << reply.status;
      }
    }
  }
  void ExpectNothingLost() {
    node_.reset();
    const Folder after = Look();
    EXPECT_THAT(after.problems, IsEmpty());
    EXPECT_EQ(after.digests, before_.digests);
  }

  std::mt19937_64 random_;
  Folder before_;
};

TEST_F(DamageTest, AtRestIsMended) {
  const std::pair<const char*, std::function<void(const std::string&)>> kinds[] = {
      {"flipped rows", [&](const auto& path) { Flip(AnyFile(path, ".sst"), 0, kStride); }},
      {"a flipped byte of the manifest",
       [&](const auto& path) {
         const auto file = AnyFile(path, "MANIFEST");
         Flip(file, random_() % std::filesystem::file_size(file), SIZE_MAX / 2);
       }},
      {"another CURRENT", [&](const auto& path) { Flip(path + "/CURRENT", 0, 3); }},
      {"rows cut short",
       [&](const auto& path) {
         const auto file = AnyFile(path, ".sst");
         std::filesystem::resize_file(file, random_() % std::filesystem::file_size(file));
       }},
      {"no rows", [&](const auto& path) { std::filesystem::remove(AnyFile(path, ".sst")); }},
      {"no manifest",
       [&](const auto& path) { std::filesystem::remove(AnyFile(path, "MANIFEST")); }},
      {"no CURRENT", [&](const auto& path) { std::filesystem::remove(path + "/CURRENT"); }},
      {"no folder", [&](const auto& path) { std::filesystem::remove_all(path); }},
      {"no projections at all",
       [&](const auto&) { std::filesystem::remove_all(DataDir() + "/projections"); }},
  };
  for (const auto& [what, damage] : kinds) {
    const std::string path = AnyProjection();
    SCOPED_TRACE(absl::StrCat(what, " in ", path));
    damage(path);
    Start();
    ASSERT_FALSE(HasFatalFailure());
    ReadAll();
    ExpectNothingLost();
  }
}

TEST_F(DamageTest, UnderARunningServerIsMended) {
  Start();
  for (int round = 0; round < 3; ++round) {
    const std::string path = AnyProjection();
    SCOPED_TRACE(path);
    for (const auto& file : FilesIn(path, ".sst")) Flip(file, random_() % kStride, kStride);
    ReadAll();
    EXPECT_GT(RunRandomCommands(node_->handler(), random_(), 50).done, 0);
  }
  node_.reset();
  EXPECT_THAT(Look().problems, IsEmpty());
}

TEST_F(DamageTest, OfTheLogStopsTheServer) {
  for (const auto& file : FilesIn(DataDir() + "/log", ".sst")) Flip(file, 0, kStride);
  Node node(Options(kPartitions));
  const absl::Status started = node.Start();
  EXPECT_TRUE(absl::IsDataLoss(started)) << started;
  EXPECT_THAT(std::string(started.message()), HasSubstr("restore it"));
}

// The projections know of what the log has lost.
TEST_F(DamageTest, ALogThatLostWhatWasAppliedStopsTheServer) {
  std::filesystem::remove_all(DataDir() + "/log");
  Node node(Options(kPartitions));
  const absl::Status started = node.Start(absl::Seconds(1));
  EXPECT_FALSE(started.ok());
  EXPECT_THAT(std::string(started.message()), HasSubstr("ahead of its log"));
}

TEST_F(DamageTest, AnotherLogStopsTheServer) {
  const testing_support::TempFolder other;
  NodeOptions options = Options(kPartitions);
  options.data_dir = other.path();
  {
    Node node(options);
    ASSERT_TRUE(node.Start().ok());
    EXPECT_GT(RunRandomCommands(node.handler(), random_(), 2 * kCommands).done, 0);
  }
  std::filesystem::remove_all(DataDir() + "/log");
  std::filesystem::rename(other.path() + "/log", DataDir() + "/log");
  Node node(Options(kPartitions));
  const absl::Status started = node.Start(absl::Seconds(1));
  EXPECT_FALSE(started.ok());
  EXPECT_THAT(std::string(started.message()), HasSubstr("made from another log"));
}

}  // namespace
}  // namespace rapport::component
