#include "gateway/rest/json_plan.h"

#include <mutex>
#include <shared_mutex>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace rapport::rest {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using Form = MessagePlan::Form;

Form FormOf(const Descriptor* descriptor) {
  switch (descriptor->well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_TIMESTAMP:
      return Form::kTimestamp;
    case Descriptor::WELLKNOWNTYPE_DURATION:
      return Form::kDuration;
    case Descriptor::WELLKNOWNTYPE_FIELDMASK:
      return Form::kFieldMask;
    case Descriptor::WELLKNOWNTYPE_ANY:
      return Form::kAny;
    case Descriptor::WELLKNOWNTYPE_DOUBLEVALUE:
    case Descriptor::WELLKNOWNTYPE_FLOATVALUE:
    case Descriptor::WELLKNOWNTYPE_INT64VALUE:
    case Descriptor::WELLKNOWNTYPE_UINT64VALUE:
    case Descriptor::WELLKNOWNTYPE_INT32VALUE:
    case Descriptor::WELLKNOWNTYPE_UINT32VALUE:
    case Descriptor::WELLKNOWNTYPE_STRINGVALUE:
    case Descriptor::WELLKNOWNTYPE_BYTESVALUE:
    case Descriptor::WELLKNOWNTYPE_BOOLVALUE:
      return Form::kWrapper;
    default:
      return Form::kFields;
  }
}

class Plans {
 public:
  const MessagePlan& Get(const Descriptor* descriptor) {
    {
      std::shared_lock lock(mutex_);
      if (auto it = plans_.find(descriptor); it != plans_.end()) return *it->second;
    }
    std::unique_lock lock(mutex_);
    return *Make(descriptor);
  }

 private:
  // Enters the plan before its fields are known: types may contain themselves. Nobody sees it
  // unfinished, because the lock is held until the outermost one is done.
  const MessagePlan* Make(const Descriptor* descriptor) {
    auto& slot = plans_[descriptor];
    if (slot != nullptr) return slot.get();
    slot = std::make_unique<MessagePlan>();
    MessagePlan* plan = slot.get();  // `slot` may move when the map grows
    plan->descriptor = descriptor;
    plan->form = FormOf(descriptor);
    plan->fields.reserve(descriptor->field_count());
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const FieldDescriptor* field = descriptor->field(i);
      plan->fields.push_back(
          {.field = field,
           .key = absl::StrCat(",\"", field->json_name(), "\":"),
           .message = field->message_type() == nullptr ? nullptr : Make(field->message_type())});
      plan->by_name.emplace(field->json_name(), i);
      plan->by_name.emplace(field->name(), i);
    }
    return plan;
  }

  std::shared_mutex mutex_;
  std::unordered_map<const Descriptor*, std::unique_ptr<MessagePlan>> plans_;
};

}  // namespace

const MessagePlan& PlanOf(const Descriptor* descriptor) {
  static Plans* const plans = new Plans;  // never destroyed: threads may outlive main
  return plans->Get(descriptor);
}

}  // namespace rapport::rest
