// What the runtime knows of one kind of resource: its messages, its commands, how it decides and
// evolves. A service is a list of these (service.h).
//
// An aggregate with verbs or rules is a struct:
//
//   struct CaseAggregate {
//     using State = v1::Case;
//     using Event = v1::CaseEvent;
//     using Commands = Types<v1::ResolveCaseRequest, v1::CloseCaseRequest>;  // beyond the standard
//     static Decision<Event> Decide(const State&, const v1::CloseCaseRequest&, const Context&);
//     static void Evolve(State&, const Event&, const Facts&);    // total: never fails, never asks
//     static absl::Status Begin(State& created, const Context&); // what creation decides; optional
//     // Brings what a Create or Update gave into the form that is kept, before the event is
//     // written: what is stored is the fact. `before` is null in a Create; optional
//     static absl::Status Normalise(const State* before, State& after);
//     static absl::Status Check(const State& after);             // invariant; optional
//     static std::string Id(const State& resource);  // the id that follows; optional
//     // When time itself acts, and the command that it then gives; optional, both or none. The
//     // command's event moves or ends the timer.
//     static std::optional<Timestamp> DueTime(const State&);
//     using OnDue = v1::MarkOverdueCaseRequest;
//     // What its decisions look at beside it: Context::rows has them. Of the same root, or
//     reference
//     // data of the same service. `resource` is as it is, or as a Create asks for it; optional.
//     static std::vector<std::string> Reads(const State& resource, absl::string_view name);
//     // For decisions that look for a row without knowing its name: the marks that a row bears,
//     // kept as an index, and those that decisions upon it look for among its aggregate's rows.
//     // Context::rows has one of each, where there is one. Optional, both or none.
//     static std::vector<Mark> Marks(const State&);
//     static std::vector<Mark> LooksFor(const State&);
//   };
//
// A resource with only the standard methods needs none: Plain<v1::Product, v1::ProductEvent>().
//
// The standard events sit in the event's oneof under fixed numbers: created = 1, updated = 2,
// deleted = 3, undeleted = 4; the runtime evolves them.
// Threads: an AggregateType is immutable.
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "rapport/log/v1/record.pb.h"
#include "services/runtime/base/decision.h"

namespace rapport {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

struct CommandType {
  const Descriptor* request = nullptr;
  // Writes the event, if any, and says whether there is one.
  absl::StatusOr<bool> (*decide)(const Message& state, const Message& request,
                                 const Context& context, Message* event) = nullptr;
};

struct AggregateType;

// A field that names a root of the same service: the path to it from the resource.
struct ReferenceField {
  std::vector<const FieldDescriptor*> path;
  const AggregateType* target = nullptr;
};

struct AggregateType {
  const Descriptor* state = nullptr;
  const Descriptor* event = nullptr;
  void (*evolve)(Message& state, const Message& event, const Facts& facts) = nullptr;
  absl::Status (*begin)(Message& created, const Context& context) = nullptr;
  absl::Status (*normalise)(const Message* before, Message& after) = nullptr;
  absl::Status (*check)(const Message& after) = nullptr;
  std::string (*id)(const Message& resource) = nullptr;
  std::optional<google::protobuf::Timestamp> (*due_time)(const Message& state) = nullptr;
  const Descriptor* on_due = nullptr;  // the request that a timer sends; null where there is none
  std::vector<std::string> (*reads)(const Message& resource, absl::string_view name) = nullptr;
  std::vector<Mark> (*marks)(const Message& state) = nullptr;
  std::vector<Mark> (*looks_for)(const Message& state) = nullptr;
  std::vector<CommandType> commands;

  // The rest is read from the descriptors by Describe().
  std::string singular;  // campaignMembership
  std::string plural;    // campaignMemberships
  std::string pattern;   // customers/{customer}/campaignMemberships/{campaign_membership}
  bool is_root = false;
  struct {
    const FieldDescriptor *name, *etag, *uid, *create_time, *update_time, *delete_time, *occur_time;
  } fields = {};
  // In the event: the standard facts; null where the resource does not have them.
  const FieldDescriptor* created = nullptr;
  const FieldDescriptor* updated = nullptr;
  const FieldDescriptor* deleted = nullptr;
  const FieldDescriptor* undeleted = nullptr;
  std::vector<const FieldDescriptor*> indexed;
  std::vector<ReferenceField> references;  // filled by Registry
};

// Fields of a created or updated fact: the resource, and which of its fields count.
inline constexpr int kFactResource = 1;
inline constexpr int kFactMask = 2;

// Completes a type from its descriptors. Stops the program where a message lacks what every
// resource has: that is a mistake in a proto.
AggregateType Describe(AggregateType type);

namespace internal {

template <class A, class C>
CommandType MakeCommand() {
  return {C::descriptor(),
          [](const Message& state, const Message& request, const Context& context,
             Message* event) -> absl::StatusOr<bool> {
            Decision<typename A::Event> decision =
                A::Decide(static_cast<const typename A::State&>(state),
                          static_cast<const C&>(request), context);
            if (!decision.ok()) return decision.status();
            if (!decision->has_value()) return false;
            static_cast<typename A::Event*>(event)->Swap(&**decision);
            return true;
          }};
}

template <class A, class... C>
std::vector<CommandType> MakeCommands(Types<C...>) {
  return {MakeCommand<A, C>()...};
}

}  // namespace internal

template <class A>
AggregateType Aggregate() {
  AggregateType type;
  type.state = A::State::descriptor();
  type.event = A::Event::descriptor();
  if constexpr (requires { typename A::Commands; }) {
    type.commands = internal::MakeCommands<A>(typename A::Commands());
    type.evolve = [](Message& state, const Message& event, const Facts& facts) {
      A::Evolve(static_cast<typename A::State&>(state),
                static_cast<const typename A::Event&>(event), facts);
    };
  }
  if constexpr (requires { &A::Begin; }) {
    type.begin = [](Message& created, const Context& context) {
      return A::Begin(static_cast<typename A::State&>(created), context);
    };
  }
  if constexpr (requires { &A::Normalise; }) {
    type.normalise = [](const Message* before, Message& after) {
      return A::Normalise(static_cast<const typename A::State*>(before),
                          static_cast<typename A::State&>(after));
    };
  }
  if constexpr (requires { &A::Check; }) {
    type.check = [](const Message& after) {
      return A::Check(static_cast<const typename A::State&>(after));
    };
  }
  if constexpr (requires { &A::Id; }) {
    type.id = [](const Message& resource) {
      return A::Id(static_cast<const typename A::State&>(resource));
    };
  }
  if constexpr (requires { &A::DueTime; }) {
    type.on_due = A::OnDue::descriptor();
    type.due_time = [](const Message& state) {
      return A::DueTime(static_cast<const typename A::State&>(state));
    };
  }
  if constexpr (requires { &A::Reads; }) {
    type.reads = [](const Message& resource, absl::string_view name) {
      return A::Reads(static_cast<const typename A::State&>(resource), name);
    };
  }
  if constexpr (requires { &A::Marks; }) {
    type.marks = [](const Message& state) {
      return A::Marks(static_cast<const typename A::State&>(state));
    };
    type.looks_for = [](const Message& state) {
      return A::LooksFor(static_cast<const typename A::State&>(state));
    };
  }
  return Describe(std::move(type));
}

template <class S, class E>
AggregateType Plain() {
  return Describe({.state = S::descriptor(), .event = E::descriptor()});
}

// Folds one event into a state: the standard ones, or the aggregate's own, then etag and
// update_time. `sequence` is the event's within its root.
void Evolve(const AggregateType& type, Message& state, const Message& event, int64_t sequence,
            const Facts& facts);

// Whether a root's event makes it live (created, undeleted) or not (deleted); none for any other
// event. Read from the stored bytes by the standard facts' numbers, so that a service can follow
// roots whose messages it does not know.
std::optional<bool> LifeOf(const log::v1::Record& record);

// The message inside the event's oneof: the fact itself. Null in an empty event.
const Message* FactOf(const Message& event);

}  // namespace rapport
