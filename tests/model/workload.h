// What clients ask for: few names, so that commands meet.
#pragma once

#include "services/runtime/aggregate/service.h"
#include "services/runtime/aggregate/timers.h"
#include "services/runtime/log/simulated/simulation.h"
#include "tests/model/history.h"

namespace rapport::model {

// The service that is tried, described once for all runs.
// Threads: immutable.
class Product {
 public:
  Product();
  const Registry& registry() const { return registry_; }
  const Method& MethodFor(const google::protobuf::Descriptor* request) const;
  // What is sent when something is due, of each type that has timers.
  const decltype(TimersOptions::methods)& timer_methods() const { return timer_methods_; }

 private:
  ServiceSpec spec_;
  Registry registry_;
  MethodTable methods_;
  decltype(TimersOptions::methods) timer_methods_;
};

// The customers there may be.
inline constexpr absl::string_view kCustomers[] = {"customers/a", "customers/b"};

// What a request id begins with that a client gave.
inline constexpr char kGivenId[] = "asked-";

// A random command; `number` makes its request id.
Operation DrawOperation(const Product& product, Simulation& simulation, size_t number);

// What a timer or a process sent, as a command among others.
Operation OperationOf(const Product& product, const google::protobuf::Message& request);

// Another command under the same request id.
Operation Misuse(const Product& product, Simulation& simulation, const Operation& of);

}  // namespace rapport::model
