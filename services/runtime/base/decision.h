// What a domain says: at most one event, nothing, or a refusal.
//
// Decide and Evolve are pure. Time, ids and people come in through Context and Facts; nothing here
// knows of gRPC, RocksDB or Kafka.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/generated_enum_reflection.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"
#include "services/runtime/base/status.h"

namespace rapport {

// A list of types: the commands of an aggregate.
template <class... T>
struct Types {};

// What some rows have in common, for decisions that must find one: {"open_part_of", the whole}.
struct Mark {
  std::string name;
  // Names what lies under the root, so that rows of one mark and value are of one root.
  std::string value;
  bool operator==(const Mark&) const = default;
};

// Other resources as a decision found them: by name the ones that its aggregate's Reads asked for,
// by mark those that it LooksFor.
class RowsRead {
 public:
  void Add(std::string name, const google::protobuf::Message* row) {
    rows_.emplace(std::move(name), row);
  }
  // Null where there is no such resource. A deleted one is there, with its delete_time.
  template <class State>
  const State* Find(const std::string& name) const {
    const auto found = rows_.find(name);
    return found == rows_.end() ? nullptr
                                : google::protobuf::DynamicCastToGenerated<State>(found->second);
  }

  void AddMarked(std::string mark, const google::protobuf::Message* row) {
    marked_.emplace(std::move(mark), row);
  }
  // One of those that bear the mark; null where none does.
  template <class State>
  const State* FindMarked(const std::string& mark) const {
    const auto found = marked_.find(mark);
    return found == marked_.end() ? nullptr
                                  : google::protobuf::DynamicCastToGenerated<State>(found->second);
  }

 private:
  std::map<std::string, const google::protobuf::Message*> rows_;
  std::map<std::string, const google::protobuf::Message*> marked_;
};

// The circumstances of a command.
struct Context {
  std::string name;                         // the resource that the command is about
  google::protobuf::Timestamp occur_time;   // when it happened, by the caller's word
  google::protobuf::Timestamp record_time;  // now; never goes back within a partition
  std::string actor;                        // who calls
  RowsRead rows;                            // what the decision may look at beside its own state
};

// What a record's envelope says of its event, whenever it is folded.
struct Facts {
  const std::string& name;
  const google::protobuf::Timestamp& occur_time;
  const google::protobuf::Timestamp& record_time;
};

template <class Event>
using Decision = absl::StatusOr<std::optional<Event>>;

// It is so already: success without an event.
inline std::nullopt_t Nothing() {
  return std::nullopt;
}

// FAILED_PRECONDITION. `reason` is a value of the service's Refusal enum; `what` says the way out.
template <class Refusal>
absl::Status Refuse(Refusal reason, absl::string_view name, absl::string_view what) {
  const auto* type = google::protobuf::GetEnumDescriptor<Refusal>();
  const std::string package = type->file()->package();  // rapport.service.v1
  const size_t first = package.find('.') + 1;
  const std::string domain =
      absl::StrCat(package.substr(first, package.find('.', first) - first), ".rapport");
  return Refused(domain, type->FindValueByNumber(reason)->name(), name, what);
}

}  // namespace rapport
