// The keys of a projection's tables. Parts are separated by a zero byte, which no name, id or
// request id contains, so that order by key is order by part.
//
//   R plural 0 name                              -> the resource message
//   I plural 0 field 0 value 0 name              -> ""         (a declared index)
//   P root                                       -> "+" lives, "-" deleted (followed elsewhere)
//   D due_time name                              -> ""         (a timer, the earliest first)
//   J service 0 root 0 [resource]                -> its part and notes (joined from that service)
//   F ~record_time request id                    -> rapport.log.v1.RefusedReaction (newest first)
//   M name                                       -> rapport.log.v1.Checkpoint
//   M process/name                               -> rapport.log.v1.ProcessAdvanced
//
// What one event adds to its root lies together: a memtable finds the place once, not three times.
//
//   C root 0 H sequence                          -> rapport.log.v1.Record
//   C root 0 Q request id                        -> rapport.log.v1.AnsweredRequest
//   C root 0 T plural 0 parent 0 ~occur_time name -> ""        (newest first under one parent)
#pragma once

#include <string>

#include "absl/base/internal/endian.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "services/runtime/base/resource_name.h"

namespace rapport::keys {

inline constexpr char kSeparator = '\0';
inline absl::string_view Zero() {
  return {&kSeparator, 1};
}

inline std::string BigEndian(uint64_t value) {
  const uint64_t big = absl::big_endian::FromHost64(value);
  return {reinterpret_cast<const char*>(&big), sizeof(big)};
}

inline std::string Row(absl::string_view plural, absl::string_view name) {
  return absl::StrCat("R", plural, Zero(), name);
}
inline std::string IndexPrefix(absl::string_view plural, absl::string_view field) {
  return absl::StrCat("I", plural, Zero(), field, Zero());
}
inline std::string Index(absl::string_view plural, absl::string_view field, absl::string_view value,
                         absl::string_view name) {
  return absl::StrCat(IndexPrefix(plural, field), value, Zero(), name);
}
// All that lies with the root.
inline std::string Cluster(absl::string_view root) {
  return absl::StrCat("C", root, Zero());
}
inline std::string HistoryPrefix(absl::string_view root) {
  return absl::StrCat(Cluster(root), "H");
}
inline std::string History(absl::string_view root, int64_t sequence) {
  return absl::StrCat(HistoryPrefix(root), BigEndian(static_cast<uint64_t>(sequence)));
}
inline std::string Request(absl::string_view root, absl::string_view request_id) {
  return absl::StrCat(Cluster(root), "Q", request_id);
}
inline std::string NewestPrefix(absl::string_view plural, absl::string_view parent) {
  return absl::StrCat(Cluster(RootOf(parent)), "T", plural, Zero(), parent, Zero());
}
// Counts down, so that the newest comes first.
inline std::string NewestFirst(int64_t micros) {
  return BigEndian(~(static_cast<uint64_t>(micros) ^ (uint64_t{1} << 63)));
}
inline std::string Newest(absl::string_view plural, absl::string_view parent, int64_t micros,
                          absl::string_view name) {
  return absl::StrCat(NewestPrefix(plural, parent), NewestFirst(micros), name);
}
inline std::string Due(int64_t micros, absl::string_view name) {
  return absl::StrCat("D", BigEndian(static_cast<uint64_t>(micros) ^ (uint64_t{1} << 63)), name);
}
// Of the root itself where `resource` is empty.
inline std::string Part(absl::string_view service, absl::string_view root,
                        absl::string_view resource) {
  return absl::StrCat("J", service, Zero(), root, Zero(), resource);
}
inline constexpr absl::string_view kRefusedPrefix = "F";
// A process sends each command under an id of its own, so that no two are at one place.
inline std::string Refused(int64_t micros, absl::string_view request_id) {
  return absl::StrCat(kRefusedPrefix, NewestFirst(micros), request_id);
}
inline std::string Parent(absl::string_view root) {
  return absl::StrCat("P", root);
}
inline std::string Meta(absl::string_view name) {
  return absl::StrCat("M", name);
}
// How far a process has acted.
inline std::string Cursor(absl::string_view process) {
  return Meta(absl::StrCat("process/", process));
}

// --- and back; of keys that the functions above made.

// The letter of the table: one of RIPMDJFHQT.
inline char TableOf(absl::string_view key) {
  return key[0] == 'C' ? key[key.find(kSeparator) + 1] : key[0];
}
// What all keys of a table begin with.
inline char FirstByteOf(char table) {
  return table == 'H' || table == 'Q' || table == 'T' ? 'C' : table;
}
// The root in a key of H, Q or T.
inline absl::string_view RootIn(absl::string_view key) {
  return key.substr(1, key.find(kSeparator) - 1);
}
// What follows the table's letter.
inline absl::string_view RestOf(absl::string_view key) {
  return key.substr(key[0] == 'C' ? key.find(kSeparator) + 2 : 1);
}
// "orders" in a key of R, I, D or T.
inline absl::string_view PluralIn(absl::string_view key) {
  if (key[0] == 'D') return CollectionOf(key.substr(1 + sizeof(uint64_t)));
  const absl::string_view rest = RestOf(key);
  return rest.substr(0, rest.find(kSeparator));
}
// The resource's name in a key of R, I, D or T.
inline absl::string_view NameIn(absl::string_view key) {
  if (key[0] == 'D') return key.substr(1 + sizeof(uint64_t));
  if (key[0] != 'C') return key.substr(key.rfind(kSeparator, key.size()) + 1);
  const absl::string_view rest = RestOf(key);
  const size_t parent = rest.find(kSeparator) + 1;
  return rest.substr(rest.find(kSeparator, parent) + 1 + sizeof(uint64_t));
}
// The request id in a key of F.
inline absl::string_view RefusedRequestIn(absl::string_view key) {
  return key.substr(kRefusedPrefix.size() + sizeof(uint64_t));
}
// The microseconds in a key of D.
inline int64_t DueIn(absl::string_view key) {
  return static_cast<int64_t>(absl::big_endian::Load64(key.data() + 1) ^ (uint64_t{1} << 63));
}
// The sequence in a key of H.
inline int64_t SequenceIn(absl::string_view key) {
  return static_cast<int64_t>(absl::big_endian::Load64(key.data() + key.size() - sizeof(uint64_t)));
}

}  // namespace rapport::keys
