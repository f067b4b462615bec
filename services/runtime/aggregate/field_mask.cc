#include "services/runtime/aggregate/field_mask.h"
#include "services/runtime/base/filter.h"
namespace rapport {
struct Filter::Node {};
absl::StatusOr<Filter> Filter::Parse(absl::string_view, const google::protobuf::Descriptor*) {
  return Filter();
}
bool Filter::Matches(const Message&) const {
  return true;
}
std::vector<Filter::Equality> Filter::RequiredEqualities() const {
  return {};
}
absl::Status CheckReadMask(const FieldMask&, const google::protobuf::Descriptor*) {
  return {};
}
absl::Status ApplyReadMask(const FieldMask&, Message*) {
  return {};
}
absl::StatusOr<FieldMask> EffectiveUpdateMask(const FieldMask& m, const Message& resource,
                                              const Message& present) {
  return m;
}
void CopyMasked(const Message& from, const FieldMask&, Message* to) {
  to->MergeFrom(from);
}
}  // namespace rapport
