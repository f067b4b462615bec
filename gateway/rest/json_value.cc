#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gateway/rest/json_text.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/status.h"

namespace rapport::rest {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Whole numbers up to 2^53 are exact in a double: further than that 1e17 is not surely a number.
constexpr double kMaxExactDouble = 9'007'199'254'740'992.0;
// How much of a wrong value an error repeats.
constexpr size_t kShownBytes = 40;

std::string Shown(absl::string_view text) {
  const bool cut = text.size() > kShownBytes;
  return absl::StrCat("\"", absl::Utf8SafeCEscape(Utf8Prefix(text, kShownBytes)),
                      cut ? "…\"" : "\"");
}

absl::Status NotA(absl::string_view expected, absl::string_view text, absl::string_view path) {
  return InvalidField(path, absl::StrCat("expected ", expected, ", not ", Shown(text)));
}

bool LooksLikeNumber(absl::string_view text) {
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  return !text.empty() && absl::ascii_isdigit(text.front());
}

std::optional<double> ParseDouble(absl::string_view text) {
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  double value = 0;
  const char* end = text.data() + text.size();
  if (!LooksLikeNumber(text)) return std::nullopt;
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end) return std::nullopt;
  return value;
}

// Also takes 1e3 and 1.0, which are whole numbers in JSON.
template <typename Integer>
std::optional<Integer> ParseInteger(absl::string_view text) {
  Integer value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && rest == end) return value;
  const auto real = ParseDouble(text);
  if (!real || !(std::abs(*real) <= kMaxExactDouble) || std::floor(*real) != *real) {
    return std::nullopt;
  }
  if (*real < static_cast<double>(std::numeric_limits<Integer>::min()) ||
      *real > static_cast<double>(std::numeric_limits<Integer>::max())) {
    return std::nullopt;
  }
  return static_cast<Integer>(*real);
}

template <typename Integer>
std::string WholeNumber() {
  return absl::StrCat("a whole number from ", std::numeric_limits<Integer>::min(), " to ",
                      std::numeric_limits<Integer>::max());
}

absl::Status UnknownEnumValue(const FieldDescriptor* field, absl::string_view text,
                              absl::string_view path) {
  std::string known;
  const auto* type = field->enum_type();
  for (int i = 0; i < type->value_count(); ++i) {
    if (type->value(i)->number() == 0) continue;  // "unspecified" is what absence says
    absl::StrAppend(&known, known.empty() ? "" : ", ", type->value(i)->name());
  }
  return NotA(absl::StrCat("one of ", known), text, path);
}

absl::Status SetEnum(const FieldDescriptor* field, absl::string_view text, absl::string_view path,
                     Message* message) {
  const auto* value = field->enum_type()->FindValueByName(std::string(text));
  if (value == nullptr) {
    const auto number = ParseInteger<int32_t>(text);
    if (number) value = field->enum_type()->FindValueByNumber(*number);
  }
  if (value == nullptr) return UnknownEnumValue(field, text, path);
  const auto* reflection = message->GetReflection();
  field->is_repeated() ? reflection->AddEnum(message, field, value)
                       : reflection->SetEnum(message, field, value);
  return absl::OkStatus();
}

}  // namespace

Message* NewMessageOfType(absl::string_view type_url, google::protobuf::Arena* arena) {
  const auto slash = type_url.rfind('/');
  if (slash != absl::string_view::npos) type_url.remove_prefix(slash + 1);
  const auto* descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(
          std::string(type_url));
  if (descriptor == nullptr) return nullptr;
  return NewMessage(descriptor, arena);
}

absl::Status SetWellKnown(absl::string_view text, absl::string_view path, Message* message) {
  using google::protobuf::Descriptor;
  int64_t seconds = 0;
  int32_t nanos = 0;
  switch (message->GetDescriptor()->well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_TIMESTAMP: {
      if (!ParseTimestamp(text, &seconds, &nanos)) {
        return NotA("a time such as 2026-11-22T18:57:28Z", text, path);
      }
      auto* time = static_cast<google::protobuf::Timestamp*>(message);
      time->set_seconds(seconds);
      time->set_nanos(nanos);
      return absl::OkStatus();
    }
    case Descriptor::WELLKNOWNTYPE_DURATION: {
      if (!ParseDuration(text, &seconds, &nanos)) return NotA("seconds such as 1.5s", text, path);
      auto* duration = static_cast<google::protobuf::Duration*>(message);
      duration->set_seconds(seconds);
      duration->set_nanos(nanos);
      return absl::OkStatus();
    }
    case Descriptor::WELLKNOWNTYPE_FIELDMASK: {
      auto* mask = static_cast<google::protobuf::FieldMask*>(message);
      for (absl::string_view part : absl::StrSplit(text, ',', absl::SkipWhitespace())) {
        mask->add_paths(SnakeCase(absl::StripAsciiWhitespace(part)));
      }
      return absl::OkStatus();
    }
    default:
      return NotA(absl::StrCat("an object (", message->GetDescriptor()->name(), ")"), text, path);
  }
}

absl::Status SetFromText(const FieldDescriptor* field, absl::string_view text,
                         absl::string_view path, Message* message) {
  const auto* reflection = message->GetReflection();
  const auto set = [&](auto setter, auto adder, const auto& value, absl::string_view expected) {
    if (!value) return NotA(expected, text, path);
    field->is_repeated() ? (reflection->*adder)(message, field, *value)
                         : (reflection->*setter)(message, field, *value);
    return absl::OkStatus();
  };
  using Reflection = google::protobuf::Reflection;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return set(&Reflection::SetInt32, &Reflection::AddInt32, ParseInteger<int32_t>(text),
                 WholeNumber<int32_t>());
    case FieldDescriptor::CPPTYPE_UINT32:
      return set(&Reflection::SetUInt32, &Reflection::AddUInt32, ParseInteger<uint32_t>(text),
                 WholeNumber<uint32_t>());
    case FieldDescriptor::CPPTYPE_INT64:
      return set(&Reflection::SetInt64, &Reflection::AddInt64, ParseInteger<int64_t>(text),
                 WholeNumber<int64_t>());
    case FieldDescriptor::CPPTYPE_UINT64:
      return set(&Reflection::SetUInt64, &Reflection::AddUInt64, ParseInteger<uint64_t>(text),
                 WholeNumber<uint64_t>());
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return set(&Reflection::SetDouble, &Reflection::AddDouble, ParseDouble(text),
                 "a number within the range of a double");
    case FieldDescriptor::CPPTYPE_FLOAT: {
      auto value = ParseDouble(text);
      if (value && std::isfinite(*value) && std::abs(*value) > std::numeric_limits<float>::max()) {
        value.reset();
      }
      return set(&Reflection::SetFloat, &Reflection::AddFloat, value,
                 "a number within the range of a float");
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      const auto value = text == "true"    ? std::optional(true)
                         : text == "false" ? std::optional(false)
                                           : std::nullopt;
      return set(&Reflection::SetBool, &Reflection::AddBool, value, "true or false");
    }
    case FieldDescriptor::CPPTYPE_ENUM:
      return SetEnum(field, text, path, message);
    case FieldDescriptor::CPPTYPE_STRING: {
      std::optional<std::string> value(std::in_place, text);
      if (field->type() == FieldDescriptor::TYPE_BYTES && !absl::Base64Unescape(text, &*value) &&
          !absl::WebSafeBase64Unescape(text, &*value)) {
        value.reset();
      }
      return set(&Reflection::SetString, &Reflection::AddString, value, "base64");
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return SetWellKnown(text, path,
                          field->is_repeated() ? reflection->AddMessage(message, field)
                                               : reflection->MutableMessage(message, field));
  }
  return absl::InternalError("unknown field type");
}

}  // namespace rapport::rest
