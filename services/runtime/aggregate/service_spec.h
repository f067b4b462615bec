// All that a service supports: what tells accounts from sales.
#pragma once

#include <string>
#include <vector>

#include "services/runtime/aggregate/aggregate.h"
#include "services/runtime/aggregate/join.h"
#include "services/runtime/aggregate/own_method.h"
#include "services/runtime/aggregate/process.h"

namespace rapport {

struct ServiceSpec {
  std::string name;  // "sales": topic rapport.sales, folder projections/sales
  int number = 0;    // in consistency tokens; fixed for ever
  // Of its projections. Raised whenever the same log makes other tables: a program that finds
  // another version's beside the log builds its own from the log.
  int projection_version = 1;
  const google::protobuf::ServiceDescriptor* rpc = nullptr;
  std::vector<AggregateType> aggregates;
  // The collections of roots that are spread over the partitions, so many are they. Other roots are
  // reference data.
  std::vector<std::string> spread = {"customers"};
  // What is neither standard nor an aggregate's.
  std::vector<OwnMethod> own_methods;
  // The service that decides which roots of this collection live; empty where it is this one.
  std::string parents_service;     // "accounts"
  std::string parents_collection;  // "customers"
  std::vector<JoinSpec> joins;     // of the partitions, not of reference data
  std::vector<ProcessSpec> processes;
};

// Whether roots of this collection are spread; others are kept in one partition that everybody
// follows.
bool IsSpread(const ServiceSpec& spec, absl::string_view collection);
bool HasReferenceData(const ServiceSpec& spec);

}  // namespace rapport
