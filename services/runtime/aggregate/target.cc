#include "services/runtime/aggregate/target.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/runtime/aggregate/topics.h"
#include "services/runtime/base/hash.h"
#include "services/runtime/base/ids.h"
#include "services/runtime/base/resource_name.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

// The id that a create names, or whose resource fixes it; empty where it is made later.
absl::StatusOr<std::string> IdOfNew(const Method& method, const Message& request) {
  const AggregateType& type = *method.aggregate;
  std::string id = GetString(request, method.id);
  if (type.id != nullptr) {
    const std::string needed =
        type.id(request.GetReflection()->GetMessage(request, method.resource));
    if (!id.empty() && id != needed) {
      return InvalidField(method.id->name(), absl::StrCat("must be \"", needed, "\" or empty"));
    }
    id = needed;
  }
  if (!id.empty() && !ValidId(id)) {
    return InvalidField(method.id->name(),
                        "must match [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?, or be empty");
  }
  return id;
}

}  // namespace

bool IsSpread(const ServiceSpec& spec, absl::string_view collection) {
  return std::find(spec.spread.begin(), spec.spread.end(), collection) != spec.spread.end();
}

bool HasReferenceData(const ServiceSpec& spec) {
  return std::any_of(
      spec.aggregates.begin(), spec.aggregates.end(),
      [&](const AggregateType& type) { return type.is_root && !IsSpread(spec, type.plural); });
}

absl::StatusOr<int> Targets::PartitionOfRoot(absl::string_view root) const {
  if (IsSpread(spec_, CollectionOf(root))) return PartitionOf(root, partitions_);
  if (!has_reference_) return NotFound(root);
  return kReferencePartition;
}

TopicPartition Targets::InLog(int partition) const {
  if (partition == kReferencePartition) return {ReferenceTopicOf(spec_.name), 0};
  return {TopicOf(spec_.name), partition};
}

absl::StatusOr<Target> Targets::Named(std::string name) const {
  Target target{.name = std::move(name)};
  target.root = std::string(RootOf(target.name));
  ASSIGN_OR_RETURN(target.partition, PartitionOfRoot(target.root));
  return target;
}

absl::StatusOr<Target> Targets::OfWrite(const Method& method, const Message& request,
                                        absl::string_view request_id) const {
  const AggregateType& type = *method.aggregate;
  if (method.kind != Method::Kind::kCreate) {
    const bool update = method.kind == Method::Kind::kUpdate;
    std::string name =
        update ? GetString(request.GetReflection()->GetMessage(request, method.resource),
                           type.fields.name)
               : GetString(request, method.name);
    if (MatchesPattern(type.pattern, name)) return Named(std::move(name));
    return BadName(update ? absl::StrCat(method.resource->name(), ".name") : "name", name,
                   type.pattern);
  }
  ASSIGN_OR_RETURN(std::string id, IdOfNew(method, request));
  if (type.is_root) {
    if (id.empty()) id = DerivedId(type.plural, request_id);
    return Named(absl::StrCat(type.plural, "/", id));
  }
  const std::string parent = GetString(request, method.parent);
  if (!MatchesPattern(ParentPattern(type), parent)) {
    return BadName("parent", parent, ParentPattern(type));
  }
  ASSIGN_OR_RETURN(Target target, Named(parent));
  target.name = id.empty() ? "" : absl::StrCat(parent, "/", type.plural, "/", id);
  return target;
}

absl::StatusOr<Target> Targets::OfRead(const Method& method, const Message& request) const {
  const bool list = method.kind == Method::Kind::kList;
  const std::string name = GetString(request, list ? method.parent : method.name);
  const bool roots = list && method.aggregate->is_root;
  const bool of_all = list && !roots && IdOf(name) == kAnyId;
  const bool of_service = method.kind == Method::Kind::kListRefused ||
                          (method.kind == Method::Kind::kQuery && method.name == nullptr);
  if (of_all && !MatchesPattern(ParentPattern(*method.aggregate), name, AnyId::kAllowed)) {
    return BadName("parent", name, ParentPattern(*method.aggregate));
  }
  if (roots || of_all) {
    const bool spread = IsSpread(spec_, CollectionOf(RootOf(method.aggregate->pattern)));
    return Target{.partition = spread ? kAllPartitions : kReferencePartition};
  }
  if (of_service) return Target{};
  const std::string pattern = list                          ? ParentPattern(*method.aggregate)
                              : method.aggregate != nullptr ? method.aggregate->pattern
                                                            : "{collection}/{root}";
  const bool matches = method.aggregate == nullptr ? !RootOf(name).empty() && RootOf(name) == name
                                                   : MatchesPattern(pattern, name);
  if (!matches) return BadName(list ? "parent" : "name", name, pattern);
  return Named(name);
}

}  // namespace rapport
