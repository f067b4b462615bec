// Any bytes as records of a log, replayed: each is void, unreadable and said to be, or folded.
#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "services/accounts/service.h"
#include "services/marketing/service.h"
#include "services/runtime/aggregate/overlay.h"
#include "services/runtime/base/resource_name.h"
#include "services/runtime/base/status.h"
#include "services/runtime/log/validity.h"
#include "services/sales/service.h"
#include "services/service/service.h"
#include "tests/support/wait.h"

namespace {

using rapport::Registry;

// Folds find nothing there and write nothing to it.
rapport::Store& EmptyStore() {
  static const auto* const folder = new rapport::testing_support::TempFolder();
  static const auto* const resources = new rapport::StoreResources(1 << 20, 1 << 20);
  static auto* const store = rapport::Store::Open(*resources, folder->path())->release();
  return *store;
}

// A service by its number.
const Registry& RegistryOf(size_t service) {
  static const auto* const registries = new std::vector<std::unique_ptr<Registry>>([] {
    std::vector<std::unique_ptr<Registry>> all;
    for (const auto& spec : {rapport::accounts::Spec(), rapport::sales::Spec(),
                             rapport::service::Spec(), rapport::marketing::Spec()}) {
      all.push_back(std::make_unique<Registry>(spec.aggregates));
    }
    return all;
  }());
  return *(*registries)[service % registries->size()];
}

}  // namespace

// A byte for the service, then records, each behind its length in two bytes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rapport;
  if (size == 0) return 0;
  const Registry& registry = RegistryOf(data[0]);
  absl::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  Overlay overlay(EmptyStore(), registry);
  Validity validity;
  log::v1::Record record;
  for (Offset offset = 0; rest.size() >= 2; ++offset) {
    const size_t length = static_cast<uint8_t>(rest[0]) << 8 | static_cast<uint8_t>(rest[1]);
    const std::string bytes(rest.substr(2, length));
    rest.remove_prefix(std::min(rest.size(), length + 2));
    if (!record.ParseFromString(bytes)) continue;
    validity.Admit(offset, record);
    LifeOf(record);
    // Whether it is valid or not: what cannot be folded must not crash a reader.
    if (record.kind() == log::v1::Record::CLAIM) continue;
    const absl::Status applied = overlay.Apply(record, bytes);
    if (!applied.ok()) {
      Ensure(absl::IsDataLoss(applied), "a record that cannot be read is DATA_LOSS");
      continue;
    }
    const auto* type = registry.FindByPlural(CollectionOf(record.subject()));
    if (type == nullptr) continue;
    const auto row = overlay.Find(*type, record.subject());
    if (row.ok() && (*row)->state != nullptr) IndexKeys(*type, *(*row)->state);
  }
  return 0;
}
