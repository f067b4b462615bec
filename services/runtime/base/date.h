// google.type.Date.
//
// Threads: pure functions.
#pragma once

#include <tuple>

#include "google/type/date.pb.h"

namespace rapport {

inline bool IsBefore(const google::type::Date& left, const google::type::Date& right) {
  return std::tuple(left.year(), left.month(), left.day()) <
         std::tuple(right.year(), right.month(), right.day());
}

}  // namespace rapport
