// Specs of a domain as stories:
//
//   Given<CaseAggregate>(Opened(), Resolved()).When(Close()).Then(Closed());
//   Given<CaseAggregate>(Opened()).When(Close()).ThenRefuses(Refusal::CASE_NOT_RESOLVED);
//
// Events are folded and requests are decided as the runtime does it, standard ones included, but
// without log, store or threads. Event i happens i seconds after Start().
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include "google/protobuf/util/message_differencer.h"
#include "services/accounts/service.h"
#include "services/marketing/service.h"
#include "services/runtime/aggregate/standard.h"
#include "services/runtime/base/resource_name.h"
#include "services/sales/service.h"
#include "services/service/service.h"
#include "tests/support/reason.h"

namespace rapport::spec {

using Where = std::source_location;

// An instant of a spec: 2026-01-01T00:00:00Z and some seconds.
inline google::protobuf::Timestamp At(int64_t seconds) {
  google::protobuf::Timestamp time;
  time.set_seconds(1'767'225'600 + seconds);
  return time;
}

// The aggregate's name wherever a name is needed, with its service's methods.
struct Subject {
  const AggregateType* type = nullptr;
  MethodTable methods;
  std::string name;
};

inline Subject FindSubject(const google::protobuf::Descriptor* state) {
  static const auto* const specs = new std::vector<ServiceSpec>{accounts::Spec(), sales::Spec(),
                                                                service::Spec(), marketing::Spec()};
  Subject subject;
  for (const auto& spec : *specs) {
    for (const auto& type : spec.aggregates) {
      if (type.state != state) continue;
      subject.type = &type;
      subject.methods = *BuildMethods(spec.rpc, spec.aggregates, spec.own_methods);
      const std::string parent = absl::StrCat(CollectionOf(RootOf(type.pattern)), "/ada/");
      subject.name = absl::StrCat(type.is_root ? "" : parent, type.plural, "/it");
    }
  }
  Ensure(subject.type != nullptr, "a spec is about an aggregate of a service");
  return subject;
}

// The name that the resource of every spec of A has.
template <class A>
std::string NameOf() {
  return FindSubject(A::State::descriptor()).name;
}

template <class A>
class Outcome {
 public:
  Outcome(typename A::State before, absl::StatusOr<bool> decided, typename A::Event event,
          const Subject& subject)
      : state_(std::move(before)), decided_(std::move(decided)), event_(std::move(event)) {
    if (!decided_.ok() || !*decided_) return;
    Evolve(*subject.type, state_, event_, 100,
           {.name = subject.name, .occur_time = At(1'000), .record_time = At(1'000)});
  }

  // This event was decided, and nothing else. Answers the state after it.
  const typename A::State& Then(const typename A::Event& event, Where where = Where::current()) {
    testing::ScopedTrace trace(where.file_name(), static_cast<int>(where.line()), "Then");
    EXPECT_TRUE(decided_.ok()) << decided_.status();
    EXPECT_TRUE(decided_.value_or(true)) << "nothing was decided";
    std::string difference;
    google::protobuf::util::MessageDifferencer differencer;
    differencer.ReportDifferencesToString(&difference);
    EXPECT_TRUE(differencer.Compare(event, event_)) << difference;
    return state_;
  }
  // Some event was decided. Answers the state after it.
  const typename A::State& ThenState(Where where = Where::current()) {
    testing::ScopedTrace trace(where.file_name(), static_cast<int>(where.line()), "ThenState");
    EXPECT_TRUE(decided_.ok()) << decided_.status();
    EXPECT_TRUE(decided_.value_or(true)) << "nothing was decided";
    return state_;
  }
  // It was so already.
  void ThenNothing(Where where = Where::current()) {
    testing::ScopedTrace trace(where.file_name(), static_cast<int>(where.line()), "ThenNothing");
    EXPECT_TRUE(decided_.ok()) << decided_.status();
    EXPECT_FALSE(decided_.value_or(false)) << event_.ShortDebugString();
  }
  template <class Refusal>
  void ThenRefuses(Refusal reason, Where where = Where::current()) {
    ThenFails(absl::StatusCode::kFailedPrecondition,
              google::protobuf::GetEnumDescriptor<Refusal>()->FindValueByNumber(reason)->name(),
              where);
  }
  // `reason` is the ErrorInfo's reason or the BadRequest's field.
  void ThenFails(absl::StatusCode code, const std::string& reason, Where where = Where::current()) {
    testing::ScopedTrace trace(where.file_name(), static_cast<int>(where.line()), "ThenFails");
    EXPECT_EQ(decided_.status().code(), code) << decided_.status();
    EXPECT_EQ(testing_support::ReasonOf(decided_.status()), reason) << decided_.status();
  }

 private:
  typename A::State state_;
  absl::StatusOr<bool> decided_;
  typename A::Event event_;
};

template <class A>
class Scenario {
 public:
  explicit Scenario(const std::vector<typename A::Event>& events)
      : subject_(FindSubject(A::State::descriptor())) {
    for (const auto& event : events) {
      if (state_ == nullptr) state_ = std::make_unique<typename A::State>();
      ++sequence_;
      Evolve(*subject_.type, *state_, event, sequence_,
             {.name = subject_.name, .occur_time = At(sequence_), .record_time = At(sequence_)});
    }
  }

  // Requests need not name the resource.
  template <class Request>
  Outcome<A> When(const Request& request) {
    const Method* method = nullptr;
    for (const auto& [descriptor, candidate] : subject_.methods) {
      if (descriptor->input_type() == Request::descriptor()) method = &candidate;
    }
    Ensure(method != nullptr, "a request is one of the service's");
    typename A::Event event;
    const Context context{.name = subject_.name,
                          .occur_time = At(1'000),
                          .record_time = At(1'000),
                          .actor = "users/agent",
                          .rows = RowsFor(*method, request)};
    auto decided = DecideWrite(*method, state_.get(), request, context, "uid", &event);
    return Outcome<A>(state_ ? *state_ : typename A::State(), std::move(decided), event, subject_);
  }

  const typename A::State& state() const { return *state_; }

  // Another resource that there is. Decisions see it where the aggregate Reads or LooksFor it.
  template <class Row>
  Scenario& Seeing(const Row& row) {
    seen_[row.name()] = std::make_shared<Row>(row);
    return *this;
  }

 private:
  RowsRead RowsFor(const Method& method, const Message& request) const {
    RowsRead rows;
    for (const auto& name : RowsToRead(method, state_.get(), request, subject_.name)) {
      if (const auto found = seen_.find(name); found != seen_.end()) {
        rows.Add(name, found->second.get());
      }
    }
    if (subject_.type->looks_for == nullptr || state_ == nullptr) return rows;
    for (const Mark& mark : subject_.type->looks_for(*state_)) {
      for (const auto& [name, row] : seen_) {
        if (row->GetDescriptor() != subject_.type->state) continue;
        const auto marks = subject_.type->marks(*row);
        if (std::find(marks.begin(), marks.end(), mark) != marks.end()) {
          rows.AddMarked(mark.name, row.get());
        }
      }
    }
    return rows;
  }

  const Subject subject_;
  std::unique_ptr<typename A::State> state_;
  std::map<std::string, std::shared_ptr<Message>> seen_;
  int64_t sequence_ = 0;
};

template <class A, class... Events>
Scenario<A> Given(const Events&... events) {
  return Scenario<A>({events...});
}

}  // namespace rapport::spec
