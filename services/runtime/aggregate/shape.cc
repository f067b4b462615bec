#include "services/runtime/aggregate/shape.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/civil_time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/unknown_field_set.h"
#include "google/type/date.pb.h"
#include "google/type/decimal.pb.h"
#include "google/type/money.pb.h"
#include "google/type/timeofday.pb.h"
#include "services/runtime/aggregate/shape_plan.h"
#include "services/runtime/base/ids.h"
#include "services/runtime/base/money.h"
#include "services/runtime/base/status.h"
#include "services/runtime/base/text.h"

namespace rapport {
namespace {

using google::protobuf::Duration;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::Timestamp;

// Clocks of callers differ from ours by less.
constexpr int64_t kMaxFutureMicros = 60'000'000;
// Of google.protobuf.Timestamp: years 1 to 9999. Of Duration: about 10,000 years.
constexpr int64_t kMinTimestampSeconds = -62'135'596'800;
constexpr int64_t kMaxTimestampSeconds = 253'402'300'799;
constexpr int64_t kMaxDurationSeconds = 315'576'000'000;
constexpr int kMaxNanos = 999'999'999;

// Where in the request we are; becomes text only for an error.
struct Place {
  const Place* above = nullptr;
  const FieldDescriptor* field = nullptr;
  int index = -1;
};

std::string PathOf(const Place& place) {
  std::string path;
  if (place.above != nullptr && place.above->field != nullptr) {
    path = absl::StrCat(PathOf(*place.above), ".");
  }
  absl::StrAppend(&path, place.field->name());
  if (place.index >= 0) absl::StrAppend(&path, "[", place.index, "]");
  return path;
}

absl::Status Wrong(const Place& place, absl::string_view what) {
  return InvalidField(PathOf(place), what);
}

// What holds inside a resource, depending on the request that carries it.
enum class Mode { kPlain, kCreate, kUpdate };

absl::string_view ValueError(const Timestamp& time) {
  const bool valid = time.seconds() >= kMinTimestampSeconds &&
                     time.seconds() <= kMaxTimestampSeconds && time.nanos() >= 0 &&
                     time.nanos() <= kMaxNanos;
  return valid ? "" : "must be a time of the years 1 to 9999 with nanos from 0 to 999999999";
}

absl::string_view ValueError(const Duration& duration) {
  const bool in_range = std::abs(static_cast<double>(duration.seconds())) <= kMaxDurationSeconds &&
                        std::abs(static_cast<double>(duration.nanos())) <= kMaxNanos;
  const bool one_sign = (duration.seconds() <= 0 || duration.nanos() >= 0) &&
                        (duration.seconds() >= 0 || duration.nanos() <= 0);
  return in_range && one_sign ? ""
                              : "must be at most 10,000 years, with seconds and nanos of one sign";
}

absl::string_view ValueError(const google::type::Date& date) {
  const bool in_range = date.year() >= 1 && date.year() <= 9999 && date.month() >= 1 &&
                        date.month() <= 12 && date.day() >= 1 && date.day() <= 31;
  const absl::CivilDay day(date.year(), date.month(), date.day());
  const bool valid = in_range && day.month() == date.month();
  return valid ? "" : "must be a day of the calendar: year (1 to 9999), month and day";
}

absl::string_view ValueError(const google::type::TimeOfDay& time) {
  const bool in_range = time.hours() >= 0 && time.hours() <= 23 && time.minutes() >= 0 &&
                        time.minutes() <= 59 && time.seconds() >= 0 && time.seconds() <= 59 &&
                        time.nanos() >= 0 && time.nanos() <= kMaxNanos;
  const bool end_of_day =
      time.hours() == 24 && time.minutes() == 0 && time.seconds() == 0 && time.nanos() == 0;
  return in_range || end_of_day ? "" : "must be a time of day: from 00:00:00 to 24:00:00";
}

// Values are generated messages: plans know them by their generated descriptors.
absl::Status CheckValue(ShapePlan::Value value, Message& message, const Place& place) {
  using Value = ShapePlan::Value;
  absl::string_view error;
  switch (value) {
    case Value::kNone:
      return absl::OkStatus();
    case Value::kMoney: {
      const absl::Status status = CheckMoney(static_cast<google::type::Money&>(message));
      return status.ok() ? status : Wrong(place, status.message());
    }
    case Value::kDecimal: {
      auto& decimal = static_cast<google::type::Decimal&>(message);
      absl::StatusOr<std::string> canonical = CanonicalDecimal(decimal.value());
      if (!canonical.ok()) return Wrong(place, canonical.status().message());
      if (*canonical != decimal.value()) decimal.set_value(*std::move(canonical));
      return absl::OkStatus();
    }
    case Value::kTimestamp:
      error = ValueError(static_cast<Timestamp&>(message));
      break;
    case Value::kDuration:
      error = ValueError(static_cast<Duration&>(message));
      break;
    case Value::kDate:
      error = ValueError(static_cast<google::type::Date&>(message));
      break;
    case Value::kTimeOfDay:
      error = ValueError(static_cast<google::type::TimeOfDay&>(message));
      break;
  }
  return error.empty() ? absl::OkStatus() : Wrong(place, error);
}

absl::Status TooLong(const Place& place, int length, int max, absl::string_view unit) {
  return Wrong(place, absl::StrCat("must have at most ", max, " ", unit, ", but has ", length));
}

// Checks a text; `set` is called with its normal form if that is another text.
absl::Status CheckText(const std::string& text, int max_length, const Place& place, auto set) {
  const absl::StatusOr<TextSummary> summary = SummarizeText(text);
  if (!summary.ok()) return Wrong(place, summary.status().message());
  int characters = summary->characters;
  if (!summary->normal) {
    std::string normal = text;
    const absl::StatusOr<int> count = NormalizeText(normal);
    if (!count.ok()) return Wrong(place, count.status().message());
    characters = *count;
    set(std::move(normal));
  }
  return characters <= max_length ? absl::OkStatus()
                                  : TooLong(place, characters, max_length, "characters");
}

absl::Status CheckName(const ShapeRule& rule, absl::string_view text, const Place& place) {
  if (text.empty()) return absl::OkStatus();
  if (rule.is_id && !ValidId(text)) {
    return Wrong(place, "must be 1 to 63 lower-case letters, digits and inner hyphens");
  }
  if (rule.one_line && text.find_first_of("\t\n") != absl::string_view::npos) {
    return Wrong(place, "must be printable characters of one line");
  }
  if (rule.patterns.empty()) return absl::OkStatus();
  const auto fits = [&](const std::string& pattern) {
    return MatchesPattern(pattern, text, rule.any_id);
  };
  if (std::any_of(rule.patterns.begin(), rule.patterns.end(), fits)) return absl::OkStatus();
  return Wrong(place, absl::StrCat("must have the form ", absl::StrJoin(rule.patterns, " or ")));
}

class Checker {
 public:
  explicit Checker(int64_t now_micros) : now_micros_(now_micros) {}

  absl::Status Check(Message& message, const ShapePlan& plan, Mode mode, const Place* place,
                     int depth) const {
    const Reflection* reflection = message.GetReflection();
    if (depth > kMaxDepth) {
      return Wrong(*place, absl::StrCat("messages may nest ", kMaxDepth, " deep; flatten them"));
    }
    if (!reflection->GetUnknownFields(message).empty()) {
      reflection->MutableUnknownFields(&message)->Clear();
    }
    if (plan.value != ShapePlan::Value::kNone) return CheckValue(plan.value, message, *place);
    for (const ShapeRule& rule : plan.rules) {
      RETURN_IF_ERROR(
          CheckField(message, reflection, rule, plan, mode, {place, rule.field}, depth));
    }
    return absl::OkStatus();
  }

  absl::Status CheckOccurTime(const Message& request, const ShapePlan& plan) const {
    const Reflection* reflection = request.GetReflection();
    if (plan.occur_time == nullptr || !reflection->HasField(request, plan.occur_time)) {
      return absl::OkStatus();
    }
    const auto& time =
        static_cast<const Timestamp&>(reflection->GetMessage(request, plan.occur_time));
    const int64_t micros = time.seconds() * 1'000'000 + time.nanos() / 1'000;
    if (micros <= now_micros_ + kMaxFutureMicros) return absl::OkStatus();
    return InvalidField("occur_time",
                        "must not be more than a minute in the future; leave it out for now");
  }

 private:
  absl::Status CheckField(Message& message, const Reflection* reflection, const ShapeRule& rule,
                          const ShapePlan& plan, Mode mode, const Place& place, int depth) const {
    const FieldDescriptor* field = rule.field;
    const bool ignored =
        (rule.output_only && mode != Mode::kPlain) || (rule.identifier && mode == Mode::kCreate);
    if (ignored) {
      reflection->ClearField(&message, field);
      return absl::OkStatus();
    }
    const int entries = field->is_repeated() ? reflection->FieldSize(message, field) : 0;
    const bool present = field->is_repeated() ? entries > 0 : reflection->HasField(message, field);
    if (!present) {
      // In an Update the mask says what is set; only the resource's name cannot be missing.
      const bool required =
          mode == Mode::kUpdate ? rule.identifier && plan.resource : rule.required;
      return required ? Wrong(place, "is required") : absl::OkStatus();
    }
    if (entries > rule.max_entries) return TooLong(place, entries, rule.max_entries, "entries");
    if (field->is_map()) return CheckMap(message, reflection, rule, mode, place, depth);
    if (!field->is_repeated()) {
      return CheckOne(message, reflection, rule, plan, mode, place, depth);
    }
    if (rule.kind == ShapeRule::Kind::kNone) return absl::OkStatus();
    for (int i = 0; i < entries; ++i) {
      const Place entry{place.above, field, i};
      RETURN_IF_ERROR(CheckOne(message, reflection, rule, plan, mode, entry, depth));
    }
    return absl::OkStatus();
  }

  // A field, or the entry place.index of a repeated one.
  absl::Status CheckOne(Message& message, const Reflection* reflection, const ShapeRule& rule,
                        const ShapePlan& plan, Mode mode, const Place& place, int depth) const {
    const FieldDescriptor* field = rule.field;
    const int i = place.index;
    const bool repeated = i >= 0;
    switch (rule.kind) {
      case ShapeRule::Kind::kText: {
        std::string scratch;
        const auto text = [&]() -> const std::string& {
          return repeated ? reflection->GetRepeatedStringReference(message, field, i, &scratch)
                          : reflection->GetStringReference(message, field, &scratch);
        };
        const auto set = [&](std::string normal) {
          repeated ? reflection->SetRepeatedString(&message, field, i, std::move(normal))
                   : reflection->SetString(&message, field, std::move(normal));
        };
        RETURN_IF_ERROR(CheckText(text(), rule.max_length, place, set));
        return CheckName(rule, text(), place);
      }
      case ShapeRule::Kind::kBytes: {
        std::string scratch;
        const std::string& bytes =
            repeated ? reflection->GetRepeatedStringReference(message, field, i, &scratch)
                     : reflection->GetStringReference(message, field, &scratch);
        const int size = static_cast<int>(bytes.size());
        return size <= rule.max_length ? absl::OkStatus()
                                       : TooLong(place, size, rule.max_length, "bytes");
      }
      case ShapeRule::Kind::kEnum: {
        const int number = repeated ? reflection->GetRepeatedEnumValue(message, field, i)
                                    : reflection->GetEnumValue(message, field);
        if (field->enum_type()->FindValueByNumber(number) != nullptr) return absl::OkStatus();
        return Wrong(place, absl::StrCat("has no value of number ", number));
      }
      case ShapeRule::Kind::kFloating: {
        const bool wide = field->type() == FieldDescriptor::TYPE_DOUBLE;
        const double value = repeated ? (wide ? reflection->GetRepeatedDouble(message, field, i)
                                              : reflection->GetRepeatedFloat(message, field, i))
                                      : (wide ? reflection->GetDouble(message, field)
                                              : reflection->GetFloat(message, field));
        return std::isfinite(value) ? absl::OkStatus() : Wrong(place, "must be a finite number");
      }
      case ShapeRule::Kind::kMessage: {
        Message& inner = repeated ? *reflection->MutableRepeatedMessage(&message, field, i)
                                  : *reflection->MutableMessage(&message, field);
        return Check(inner, *rule.message, ModeInside(rule, plan, mode), &place, depth + 1);
      }
      default:
        return absl::OkStatus();
    }
  }

  static Mode ModeInside(const ShapeRule& rule, const ShapePlan& plan, Mode mode) {
    if (!rule.message->resource || plan.role == ShapePlan::Role::kOther) return mode;
    return plan.role == ShapePlan::Role::kCreate ? Mode::kCreate : Mode::kUpdate;
  }

  absl::Status CheckMap(Message& message, const Reflection* reflection, const ShapeRule& rule,
                        Mode mode, const Place& place, int depth) const {
    const FieldDescriptor* key = rule.field->message_type()->map_key();
    const FieldDescriptor* value = rule.field->message_type()->map_value();
    for (int i = 0; i < reflection->FieldSize(message, rule.field); ++i) {
      Message& entry = *reflection->MutableRepeatedMessage(&message, rule.field, i);
      if (rule.kind == ShapeRule::Kind::kOtherMap) {
        const Place at{place.above, rule.field, i};
        RETURN_IF_ERROR(Check(entry, ShapePlanOf(entry.GetDescriptor()), mode, &at, depth + 1));
        continue;
      }
      RETURN_IF_ERROR(CheckLabel(entry, key, kLabelKeyCharacters, "keys", place));
      RETURN_IF_ERROR(CheckLabel(entry, value, kLabelValueCharacters, "values", place));
      if (entry.GetReflection()->GetString(entry, key).empty()) {
        return Wrong(place, "must have no empty key");
      }
    }
    return absl::OkStatus();
  }

  static absl::Status CheckLabel(Message& entry, const FieldDescriptor* field, int max_length,
                                 absl::string_view what, const Place& place) {
    std::string text = entry.GetReflection()->GetString(entry, field);
    const absl::StatusOr<int> characters = NormalizeText(text);
    if (!characters.ok()) {
      return Wrong(place, absl::StrCat(what, " ", characters.status().message()));
    }
    if (*characters > max_length) {
      return Wrong(place, absl::StrCat(what, " must have at most ", max_length,
                                       " characters, but one has ", *characters));
    }
    entry.GetReflection()->SetString(&entry, field, std::move(text));
    return absl::OkStatus();
  }

  const int64_t now_micros_;
};

}  // namespace

absl::Status CheckShape(Message& request, int64_t now_micros) {
  const ShapePlan& plan = ShapePlanOf(request.GetDescriptor());
  const Checker checker(now_micros);
  const Place top;
  RETURN_IF_ERROR(checker.Check(request, plan, Mode::kPlain, &top, 1));
  return checker.CheckOccurTime(request, plan);
}

}  // namespace rapport
