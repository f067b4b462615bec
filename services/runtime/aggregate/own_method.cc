#include "services/runtime/aggregate/own_method.h"

#include "absl/strings/str_cat.h"
#include "services/runtime/base/hash.h"
#include "services/runtime/base/status.h"
#include "services/runtime/store/keys.h"

namespace rapport {
namespace {

// Adds the names in the keys that begin with `prefix`, until there are `limit`.
absl::Status AddNames(const Store& store, const std::string& prefix, size_t limit,
                      std::vector<std::string>* names) {
  const auto key = store.NewIterator();
  for (key->Seek(prefix); names->size() < limit && key->Valid() && key->key().starts_with(prefix);
       key->Next()) {
    names->emplace_back(keys::NameIn(ToView(key->key())));
  }
  return store.StatusOf(*key);
}

}  // namespace

absl::StatusOr<std::vector<std::string>> Projections::NamesWith(absl::string_view plural,
                                                                absl::string_view field,
                                                                absl::string_view value,
                                                                size_t limit) const {
  std::vector<std::string> names;
  const std::string prefix = keys::Index(plural, field, value, "");
  for (const Store* store : stores_) RETURN_IF_ERROR(AddNames(*store, prefix, limit, &names));
  return names;
}

absl::StatusOr<std::vector<std::string>> Projections::NamesUnder(absl::string_view plural,
                                                                 absl::string_view parent,
                                                                 size_t limit) const {
  std::vector<std::string> names;
  const std::string prefix = keys::Row(plural, absl::StrCat(parent, "/", plural, "/"));
  RETURN_IF_ERROR(AddNames(StoreOf(parent), prefix, limit, &names));
  return names;
}

const Store& Projections::StoreOf(absl::string_view name) const {
  return *stores_[PartitionOf(RootOf(name), static_cast<int>(stores_.size()))];
}

absl::StatusOr<bool> Projections::FindRow(absl::string_view plural, absl::string_view name,
                                          google::protobuf::Message& row) const {
  return StoreOf(name).Get(keys::Row(plural, name), &row);
}

}  // namespace rapport
