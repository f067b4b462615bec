#include "services/runtime/aggregate/field_mask.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/api/field_behavior.pb.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/runtime/aggregate/shape_plan.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FieldMask;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::util::MessageDifferencer;

constexpr absl::string_view kAll = "*";

// A path's fields, and the key where the last of them is a map.
struct Path {
  std::vector<const FieldDescriptor*> fields;
  std::optional<std::string> key;

  const FieldDescriptor* last() const { return fields.back(); }
};

bool HasTextKeys(const FieldDescriptor* map) {
  return map->message_type()->map_key()->type() == FieldDescriptor::TYPE_STRING;
}

// Nothing where `type` has no such path.
std::optional<Path> Resolve(const Descriptor* type, absl::string_view text) {
  Path path;
  while (true) {
    const size_t dot = text.find('.');
    const FieldDescriptor* field =
        type == nullptr ? nullptr : type->FindFieldByName(std::string(text.substr(0, dot)));
    if (field == nullptr) return std::nullopt;
    path.fields.push_back(field);
    if (dot == absl::string_view::npos) return path;
    text.remove_prefix(dot + 1);
    if (field->is_map()) {
      const bool quoted = text.size() >= 2 && text.front() == '`' && text.back() == '`';
      path.key = std::string(quoted ? text.substr(1, text.size() - 2) : text);
      return HasTextKeys(field) && !path.key->empty() ? std::optional(path) : std::nullopt;
    }
    type = field->message_type();
  }
}

bool Has(const FieldDescriptor* field, google::api::FieldBehavior behavior) {
  const auto& behaviors = field->options().GetRepeatedExtension(google::api::field_behavior);
  return std::find(behaviors.begin(), behaviors.end(), behavior) != behaviors.end();
}

bool IsPresent(const Message& message, const FieldDescriptor* field) {
  const Reflection* reflection = message.GetReflection();
  return field->is_repeated() ? reflection->FieldSize(message, field) > 0
                              : reflection->HasField(message, field);
}

// The message that holds the path's last field; null where one on the way is absent.
const Message* HolderOf(const Message& message, const Path& path) {
  const Message* holder = &message;
  for (size_t i = 0; i + 1 < path.fields.size(); ++i) {
    if (!holder->GetReflection()->HasField(*holder, path.fields[i])) return nullptr;
    holder = &holder->GetReflection()->GetMessage(*holder, path.fields[i]);
  }
  return holder;
}

int FindEntry(const Message& message, const FieldDescriptor* map, const std::string& key) {
  const Reflection* reflection = message.GetReflection();
  for (int i = 0; i < reflection->FieldSize(message, map); ++i) {
    const Message& entry = reflection->GetRepeatedMessage(message, map, i);
    const std::string found =
        entry.GetReflection()->GetString(entry, map->message_type()->map_key());
    if (found == key) return i;
  }
  return -1;
}

void RemoveEntry(Message* message, const FieldDescriptor* map, int index) {
  const Reflection* reflection = message->GetReflection();
  reflection->SwapElements(message, map, index, reflection->FieldSize(*message, map) - 1);
  reflection->RemoveLast(message, map);
}

// What a read keeps: the whole of a field where its node has no children.
struct Kept {
  bool whole = false;
  std::map<const FieldDescriptor*, Kept> fields;
  std::vector<std::string> keys;
};

void Keep(const Path& path, Kept& kept) {
  Kept* node = &kept;
  for (const FieldDescriptor* field : path.fields) node = &node->fields[field];
  if (path.key) {
    node->keys.push_back(*path.key);
  } else {
    node->whole = true;
  }
}

void Trim(const Kept& kept, Message* message);

void TrimMap(const Kept& kept, Message* message, const FieldDescriptor* map) {
  const Reflection* reflection = message->GetReflection();
  for (int i = reflection->FieldSize(*message, map) - 1; i >= 0; --i) {
    const Message& entry = reflection->GetRepeatedMessage(*message, map, i);
    const std::string key = entry.GetReflection()->GetString(entry, map->message_type()->map_key());
    if (std::find(kept.keys.begin(), kept.keys.end(), key) == kept.keys.end()) {
      RemoveEntry(message, map, i);
    }
  }
}

void Trim(const Kept& kept, Message* message) {
  const Reflection* reflection = message->GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(*message, &fields);
  for (const FieldDescriptor* field : fields) {
    const auto found = kept.fields.find(field);
    if (found == kept.fields.end()) {
      reflection->ClearField(message, field);
      continue;
    }
    if (found->second.whole) continue;
    if (field->is_map()) {
      TrimMap(found->second, message, field);
    } else if (!field->is_repeated()) {
      Trim(found->second, reflection->MutableMessage(message, field));
    } else {
      for (int i = 0; i < reflection->FieldSize(*message, field); ++i) {
        Trim(found->second, reflection->MutableRepeatedMessage(message, field, i));
      }
    }
  }
}

bool NamesAll(const FieldMask& mask) {
  return mask.paths_size() == 1 && mask.paths(0) == kAll;
}

absl::Status CheckSize(const FieldMask& mask, absl::string_view field) {
  if (mask.paths_size() <= kMaxMaskPaths) return absl::OkStatus();
  return InvalidField(field, absl::StrCat("must have at most ", kMaxMaskPaths, " paths"));
}

absl::Status UnknownPath(absl::string_view field, const Descriptor* type, absl::string_view path) {
  return InvalidField(field, absl::StrCat(type->name(), " has no field \"", path, "\""));
}

// Money or a time is one value: half of it from one writer and half from another means nothing.
bool IsValue(const FieldDescriptor* field) {
  return field->message_type() != nullptr &&
         absl::StartsWith(field->message_type()->full_name(), "google.");
}

// name and etag say which resource is meant and in what state, and never change by an Update.
bool IsAddress(const FieldDescriptor* field) {
  return Has(field, google::api::IDENTIFIER) || field->name() == "etag";
}

absl::Status CheckUpdatePath(const Path& path, absl::string_view text) {
  for (size_t i = 0; i < path.fields.size(); ++i) {
    const FieldDescriptor* field = path.fields[i];
    if (Has(field, google::api::OUTPUT_ONLY)) {
      return InvalidField("update_mask",
                          absl::StrCat("\"", text, "\" cannot be set; leave it out of the mask"));
    }
    const bool inside = i + 1 < path.fields.size();
    if (inside && ((field->is_repeated() && !field->is_map()) || IsValue(field))) {
      return InvalidField("update_mask", absl::StrCat("\"", text, "\" is a part of ", field->name(),
                                                      ", which is set as a whole"));
    }
  }
  return absl::OkStatus();
}

void AddOwnFields(const Message& resource, bool absent_too, std::vector<std::string>& paths) {
  const Descriptor* type = resource.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (IsAddress(field) || Has(field, google::api::OUTPUT_ONLY)) continue;
    const bool clearable = absent_too && !Has(field, google::api::IMMUTABLE);
    if (clearable || IsPresent(resource, field)) paths.push_back(field->name());
  }
}

absl::Status Missing(absl::string_view prefix, absl::string_view path) {
  return InvalidField(absl::StrCat(prefix, prefix.empty() ? "" : ".", path), "is required");
}

// REQUIRED fields inside a message that an Update sets as a whole.
absl::Status CheckRequiredInside(const Message& message, absl::string_view prefix,
                                 absl::string_view path) {
  const Reflection* reflection = message.GetReflection();
  for (const ShapeRule& rule : ShapePlanOf(message.GetDescriptor()).rules) {
    const std::string inner = absl::StrCat(path, ".", rule.field->name());
    if (rule.required && !IsPresent(message, rule.field)) return Missing(prefix, inner);
    if (rule.message == nullptr) continue;
    if (!rule.field->is_repeated()) {
      if (!reflection->HasField(message, rule.field)) continue;
      RETURN_IF_ERROR(
          CheckRequiredInside(reflection->GetMessage(message, rule.field), prefix, inner));
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, rule.field); ++i) {
      RETURN_IF_ERROR(CheckRequiredInside(reflection->GetRepeatedMessage(message, rule.field, i),
                                          prefix, absl::StrCat(inner, "[", i, "]")));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckRequired(const Message& resource, const Path& path, absl::string_view prefix,
                           const std::string& text) {
  const FieldDescriptor* field = path.last();
  const Message* holder = HolderOf(resource, path);
  const bool present = holder != nullptr && IsPresent(*holder, field);
  if (!present) {
    const bool required = !path.key && Has(field, google::api::REQUIRED);
    return required ? Missing(prefix, text) : absl::OkStatus();
  }
  if (field->is_map() || field->message_type() == nullptr) return absl::OkStatus();
  const Reflection* reflection = holder->GetReflection();
  if (!field->is_repeated()) {
    return CheckRequiredInside(reflection->GetMessage(*holder, field), prefix, text);
  }
  for (int i = 0; i < reflection->FieldSize(*holder, field); ++i) {
    RETURN_IF_ERROR(CheckRequiredInside(reflection->GetRepeatedMessage(*holder, field, i), prefix,
                                        absl::StrCat(text, "[", i, "]")));
  }
  return absl::OkStatus();
}

// Sorted, and without paths that lie inside another.
FieldMask MaskOf(std::vector<std::string> paths) {
  std::sort(paths.begin(), paths.end());
  FieldMask mask;
  std::vector<std::string> kept;
  for (std::string& path : paths) {
    const bool covered = std::any_of(kept.begin(), kept.end(), [&](const std::string& whole) {
      return path == whole || absl::StartsWith(path, absl::StrCat(whole, "."));
    });
    if (covered) continue;
    mask.add_paths(path);
    kept.push_back(std::move(path));
  }
  return mask;
}

void CopyEntry(const Message* from, const Path& path, Message* to) {
  const FieldDescriptor* map = path.last();
  const int source = from == nullptr ? -1 : FindEntry(*from, map, *path.key);
  const int target = FindEntry(*to, map, *path.key);
  const Reflection* reflection = to->GetReflection();
  if (source < 0) {
    if (target >= 0) RemoveEntry(to, map, target);
    return;
  }
  Message* entry = target >= 0 ? reflection->MutableRepeatedMessage(to, map, target)
                               : reflection->AddMessage(to, map);
  Assign(from->GetReflection()->GetRepeatedMessage(*from, map, source), entry);
}

void CopyPath(const Message& from, const Path& path, Message* to) {
  const Message* source = HolderOf(from, path);
  for (size_t i = 0; i + 1 < path.fields.size(); ++i) {
    const Reflection* reflection = to->GetReflection();
    // What is absent on both sides is not made.
    if (source == nullptr && !reflection->HasField(*to, path.fields[i])) return;
    to = reflection->MutableMessage(to, path.fields[i]);
  }
  if (path.key) return CopyEntry(source, path, to);
  if (source == nullptr || !IsPresent(*source, path.last())) {
    to->GetReflection()->ClearField(to, path.last());
    return;
  }
  // Swapping one field out of a copy serves every type of field.
  const std::unique_ptr<Message> copy = CopyOf(*source);
  to->GetReflection()->SwapFields(to, copy.get(), {path.last()});
}

// What the server decides is in no request, so that it makes no difference to one.
class OutputOnly : public MessageDifferencer::IgnoreCriteria {
 public:
  bool IsIgnored(const Message&, const Message&, const FieldDescriptor* field,
                 const std::vector<MessageDifferencer::SpecificField>&) override {
    return Has(field, google::api::OUTPUT_ONLY);
  }
};

}  // namespace

absl::Status ApplyReadMask(const FieldMask& mask, Message* message) {
  if (mask.paths().empty() || NamesAll(mask)) return absl::OkStatus();
  RETURN_IF_ERROR(CheckSize(mask, "read_mask"));
  Kept kept;
  for (const std::string& text : mask.paths()) {
    const std::optional<Path> path = Resolve(message->GetDescriptor(), text);
    if (!path) return UnknownPath("read_mask", message->GetDescriptor(), text);
    Keep(*path, kept);
  }
  Trim(kept, message);
  return absl::OkStatus();
}

absl::StatusOr<FieldMask> EffectiveUpdateMask(const FieldMask& mask, const Message& resource,
                                              absl::string_view prefix) {
  RETURN_IF_ERROR(CheckSize(mask, "update_mask"));
  const Descriptor* type = resource.GetDescriptor();
  std::vector<std::string> paths;
  if (mask.paths().empty() || NamesAll(mask)) AddOwnFields(resource, NamesAll(mask), paths);
  for (const std::string& text : mask.paths()) {
    if (NamesAll(mask)) break;
    if (text == kAll) {
      return InvalidField("update_mask", "\"*\" stands alone; leave the other paths out");
    }
    const std::optional<Path> path = Resolve(type, text);
    if (!path) return UnknownPath("update_mask", type, text);
    if (IsAddress(path->fields.front())) continue;
    RETURN_IF_ERROR(CheckUpdatePath(*path, text));
    paths.push_back(text);
  }
  FieldMask effective = MaskOf(std::move(paths));
  for (const std::string& text : effective.paths()) {
    RETURN_IF_ERROR(CheckRequired(resource, *Resolve(type, text), prefix, text));
  }
  return effective;
}

absl::StatusOr<FieldMask> KeepImmutable(const FieldMask& effective_mask, const Message& present,
                                        const Message& wanted, absl::string_view prefix) {
  FieldMask mask;
  for (const std::string& text : effective_mask.paths()) {
    const std::optional<Path> path = Resolve(present.GetDescriptor(), text);
    if (!path || std::none_of(path->fields.begin(), path->fields.end(), [](const auto* field) {
          return Has(field, google::api::IMMUTABLE);
        })) {
      mask.add_paths(text);
      continue;
    }
    const std::unique_ptr<Message> after = CopyOf(present);
    FieldMask one;
    one.add_paths(text);
    CopyMasked(wanted, one, after.get());
    MessageDifferencer differencer;
    differencer.AddIgnoreCriteria(new OutputOnly);  // takes it
    if (differencer.Compare(*after, present)) continue;
    return InvalidField(absl::StrCat(prefix, prefix.empty() ? "" : ".", text),
                        "cannot be changed once the resource exists; leave it out");
  }
  return mask;
}

void AddDifferences(const Message& before, const Message& after, FieldMask* mask) {
  std::vector<std::string> paths(mask->paths().begin(), mask->paths().end());
  MessageDifferencer differencer;
  const Descriptor* type = before.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const std::vector<const FieldDescriptor*> field = {type->field(i)};
    if (differencer.CompareWithFields(before, after, field, field)) continue;
    paths.push_back(type->field(i)->name());
  }
  *mask = MaskOf(std::move(paths));
}

void CopyMasked(const Message& from, const FieldMask& mask, Message* to) {
  for (const std::string& text : mask.paths()) {
    const std::optional<Path> path = Resolve(from.GetDescriptor(), text);
    // A list on the way has no one entry that could be meant.
    const bool one_place =
        path && std::none_of(path->fields.begin(), path->fields.end() - 1,
                             [](const auto* field) { return field->is_repeated(); });
    if (one_place) CopyPath(from, *path, to);
  }
}

}  // namespace rapport
