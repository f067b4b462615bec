#include "services/accounts/domain/preferred_hours.h"

#include <algorithm>
#include <filesystem>
#include <tuple>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "services/runtime/base/status.h"

namespace rapport::accounts {
namespace {

using google::type::TimeOfDay;
using v1::HoursOfDay;

bool IsBefore(const TimeOfDay& left, const TimeOfDay& right) {
  return std::tuple(left.hours(), left.minutes(), left.seconds(), left.nanos()) <
         std::tuple(right.hours(), right.minutes(), right.seconds(), right.nanos());
}

bool Overlap(const HoursOfDay& left, const HoursOfDay& right) {
  return left.day_of_week() == right.day_of_week() && IsBefore(left.start(), right.end()) &&
         IsBefore(right.start(), left.end());
}

// What is no name could be a path: the zone is read from a file.
bool IsZoneName(absl::string_view name) {
  const auto allowed = [](unsigned char c) {
    return absl::ascii_isalnum(c) || absl::string_view("/_+-").find(c) != absl::string_view::npos;
  };
  return !absl::StartsWith(name, "/") && std::all_of(name.begin(), name.end(), allowed) &&
         name != "localtime";
}

// Asked first: absl keeps every name that it was ever asked for, known or not.
bool HasZoneFile(const std::string& name) {
  std::error_code error;
  return std::filesystem::is_regular_file(absl::StrCat("/usr/share/zoneinfo/", name), error);
}

}  // namespace

absl::Status CheckPreferredHours(const v1::PreferredHours& preferred, absl::string_view field) {
  absl::TimeZone zone;
  const std::string& name = preferred.time_zone();
  if (!IsZoneName(name) || !HasZoneFile(name) || !absl::LoadTimeZone(name, &zone)) {
    return InvalidField(
        absl::StrCat(field, ".time_zone"),
        absl::StrCat("\"", name, "\" is no time zone; say its IANA name, like Europe/Berlin"));
  }
  // An update of the zone alone does not bring any.
  if (preferred.hours().empty()) return InvalidField(absl::StrCat(field, ".hours"), "is required");
  for (int i = 0; i < preferred.hours_size(); ++i) {
    const HoursOfDay& hours = preferred.hours(i);
    const std::string entry = absl::StrCat(field, ".hours[", i, "]");
    if (!IsBefore(hours.start(), hours.end())) {
      return InvalidField(absl::StrCat(entry, ".end"),
                          "must be after start; hours over midnight are two entries, until 24:00 "
                          "and from 00:00 of the next day");
    }
    for (int before = 0; before < i; ++before) {
      if (!Overlap(preferred.hours(before), hours)) continue;
      return InvalidField(entry, absl::StrCat("overlaps hours[", before, "]; make them one"));
    }
  }
  return absl::OkStatus();
}

}  // namespace rapport::accounts
