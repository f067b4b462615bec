#include "services/runtime/base/resource_name.h"

#include "services/runtime/base/ids.h"

namespace rapport {
namespace {

constexpr auto kNone = absl::string_view::npos;

// Takes the text up to the next slash off the front of `rest`.
absl::string_view TakeSegment(absl::string_view& rest) {
  const size_t slash = rest.find('/');
  const absl::string_view segment = rest.substr(0, slash);
  rest = slash == kNone ? absl::string_view() : rest.substr(slash + 1);
  return segment;
}

bool IsVariable(absl::string_view segment) {
  return !segment.empty() && segment.front() == '{';
}

}  // namespace

absl::string_view RootOf(absl::string_view name) {
  const size_t first = name.find('/');
  if (first == 0 || first == kNone || first + 1 == name.size()) return {};
  const absl::string_view root = name.substr(0, name.find('/', first + 1));
  return root.back() == '/' ? absl::string_view() : root;
}

absl::string_view CollectionOf(absl::string_view name) {
  const size_t last = name.rfind('/');
  if (last == kNone) return {};
  name = name.substr(0, last);
  const size_t before = name.rfind('/');
  return before == kNone ? name : name.substr(before + 1);
}

absl::string_view IdOf(absl::string_view name) {
  const size_t last = name.rfind('/');
  return last == kNone ? absl::string_view() : name.substr(last + 1);
}

absl::string_view ParentOf(absl::string_view name) {
  const size_t last = name.rfind('/');
  if (last == kNone || last == 0) return {};
  const size_t before = name.rfind('/', last - 1);
  return before == kNone ? absl::string_view() : name.substr(0, before);
}

bool MatchesPattern(absl::string_view pattern, absl::string_view name, AnyId any_id) {
  while (!pattern.empty()) {
    const absl::string_view wanted = TakeSegment(pattern);
    // A slash more or less on one side only.
    const bool more = name.find('/') != kNone;
    if (more == pattern.empty()) return false;
    const absl::string_view segment = TakeSegment(name);
    const bool fits = IsVariable(wanted)
                          ? ValidId(segment) || (any_id == AnyId::kAllowed && segment == kAnyId)
                          : segment == wanted;
    if (!fits) return false;
  }
  return name.empty();
}

}  // namespace rapport
