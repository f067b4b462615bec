// Parts of a resource name. A name is collection/id pairs: "customers/a/orders/b".
//
// Threads: pure functions. Nothing is allocated: what is answered points into the argument.
#pragma once

#include "absl/strings/string_view.h"

namespace rapport {

// Stands for any id in the parent of a List.
inline constexpr absl::string_view kAnyId = "-";

// The first pair, "customers/a", which decides the partition. Empty if there is no whole pair.
absl::string_view RootOf(absl::string_view name);
// "orders" and "b". Of "customers/a": "customers" and "a". Empty where there is none.
absl::string_view CollectionOf(absl::string_view name);
absl::string_view IdOf(absl::string_view name);
// "customers/a". Empty for a root.
absl::string_view ParentOf(absl::string_view name);

enum class AnyId { kRefused, kAllowed };

// Whether `name` has the form of `pattern`, a google.api.resource pattern, with a ValidId (or "-"
// where allowed) for every variable.
//   MatchesPattern("customers/{customer}/orders/{order}", "customers/a/orders/b")  ->  true
bool MatchesPattern(absl::string_view pattern, absl::string_view name,
                    AnyId any_id = AnyId::kRefused);

}  // namespace rapport
