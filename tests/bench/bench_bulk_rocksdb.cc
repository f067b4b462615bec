// bench_bulk_rocksdb --data DIR --folder DIR
//
// The yardstick of `rapportctl rebuild`: writes the very batches that a rebuild of the service
// `service` writes into as many fresh RocksDBs with the same options, and does nothing else while
// the clock runs. Prints what was measured as JSON.
#include <rocksdb/utilities/stackable_db.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "services/runtime/base/status.h"
#include "tools/rapportctl/rebuild.h"

namespace rapport {
namespace {

using Batches = std::vector<rocksdb::WriteBatch>;

// A projection, with a copy of all that is written to it.
class Recorder : public rocksdb::StackableDB {
 public:
  Recorder(rocksdb::DB* db, Batches* batches) : StackableDB(db), batches_(batches) {}

  rocksdb::Status Write(const rocksdb::WriteOptions& options, rocksdb::WriteBatch* batch) override {
    batches_->push_back(*batch);
    return StackableDB::Write(options, batch);
  }

 private:
  Batches* const batches_;
};

absl::Status Record(DataFolder& data, const ServiceFolder& service, const TopicPartition& partition,
                    Offset end, const std::string& path, Batches* batches) {
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(data.resources().options(), path, &db);
  if (!opened.ok()) return absl::UnavailableError(opened.ToString());
  const auto store = Store::Over(std::make_unique<Recorder>(db, batches));
  return ReplayInto(data, service, partition, end, *store);
}

absl::Status WriteAll(const StoreResources& resources, const std::string& path, Batches& batches) {
  ASSIGN_OR_RETURN(const auto store, Store::Open(resources, path, StoreMode::kBulk));
  for (auto& batch : batches) RETURN_IF_ERROR(store->Write(&batch));
  return store->Flush();
}

// The first failure of `work` on any projection.
absl::Status ForAll(size_t projections, const std::function<absl::Status(size_t)>& work) {
  absl::Status failed;
  std::mutex mutex;
  OnAllCores(projections, [&](size_t i) {
    const absl::Status done = work(i);
    std::lock_guard lock(mutex);
    failed.Update(done);
  });
  return failed;
}

absl::Status Measure(const std::string& data_folder, const std::string& folder) {
  ASSIGN_OR_RETURN(const auto data, DataFolder::Open(data_folder));
  const auto service = std::find_if(data->services().begin(), data->services().end(),
                                    [](const auto& one) { return one.name == "service"; });
  if (service == data->services().end()) return absl::NotFoundError("--data holds no service");
  const size_t projections = service->projections.size();
  std::vector<Batches> batches(projections);
  std::vector<Offset> ends(projections);
  RETURN_IF_ERROR(ForAll(projections, [&](size_t i) -> absl::Status {
    const TopicPartition& partition = service->projections[i].partition;
    ASSIGN_OR_RETURN(ends[i], data->EndOf(partition));
    return Record(*data, *service, partition, ends[i], absl::StrCat(folder, "/recorded-", i),
                  &batches[i]);
  }));
  int64_t records = 0;
  int64_t entries = 0;
  for (size_t i = 0; i < projections; ++i) {
    records += ends[i];
    for (const auto& batch : batches[i]) entries += batch.Count();
  }
  const absl::Time start = absl::Now();
  RETURN_IF_ERROR(ForAll(projections, [&](size_t i) {
    return WriteAll(data->resources(), absl::StrCat(folder, "/bare-", i), batches[i]);
  }));
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  absl::PrintF(R"([{"records":%d,"entries":%d,"callsPerSecond":%.1f,"entriesPerSecond":%.1f}])"
               "\n",
               records, entries, static_cast<double>(records) / seconds,
               static_cast<double>(entries) / seconds);
  return absl::OkStatus();
}

}  // namespace
}  // namespace rapport

int main(int argc, char** argv) {
  std::string data;
  std::string folder;
  CLI::App app("Writes what a rebuild writes into bare RocksDBs and prints the rate");
  app.add_option("--data", data, "Data folder of a server that is stopped")->required();
  app.add_option("--folder", folder, "Where the RocksDBs go: an empty folder")
      ->required()
      ->check(CLI::ExistingDirectory);
  CLI11_PARSE(app, argc, argv);
  const absl::Status measured = rapport::Measure(data, folder);
  if (measured.ok()) return 0;
  absl::FPrintF(stderr, "bench_bulk_rocksdb: %s\n", measured.message());
  return 1;
}
