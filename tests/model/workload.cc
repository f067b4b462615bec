#include "tests/model/workload.h"

#include "absl/strings/str_cat.h"
#include "rapport/service/v1/case.pb.h"
#include "rapport/service/v1/interaction.pb.h"
#include "services/runtime/base/messages.h"
#include "services/runtime/base/resource_name.h"
#include "services/runtime/base/time.h"
#include "services/service/service.h"

namespace rapport::model {
namespace {

using service::v1::Case;

std::string DrawCustomer(Simulation& simulation) {
  return std::string(kCustomers[simulation.Below(std::size(kCustomers))]);
}

std::string DrawCase(Simulation& simulation) {
  return absl::StrCat(DrawCustomer(simulation), "/cases/", simulation.Below(2));
}

std::string DrawEtag(Simulation& simulation) {
  return simulation.Happens(0.9) ? "" : absl::StrCat("\"", 1 + simulation.Below(5), "\"");
}

std::string HashOf(const Message& request) {
  return absl::StrCat(request.GetDescriptor()->name(), "\n", SerializeDeterministic(request));
}

// Completes an operation whose request and name are there.
template <class Request>
Operation Complete(const Product& product, Request request, std::string root, std::string name) {
  Operation operation{.method = &product.MethodFor(Request::descriptor()),
                      .request_hash = HashOf(request),
                      .root = std::move(root),
                      .name = std::move(name)};
  operation.request = std::make_unique<Request>(std::move(request));
  return operation;
}

template <class Request>
Operation Verb(const Product& product, Simulation& simulation, Request request) {
  request.set_name(DrawCase(simulation));
  request.set_etag(DrawEtag(simulation));
  const std::string name = request.name();
  return Complete(product, std::move(request), std::string(RootOf(name)), name);
}

Operation DrawCreateCase(const Product& product, Simulation& simulation) {
  service::v1::CreateCaseRequest request;
  request.set_parent(DrawCustomer(simulation));
  request.mutable_case_()->set_kind(Case::COMPLAINT);
  request.mutable_case_()->set_subject(absl::StrCat("It squeaks ", simulation.Below(1'000)));
  // Urgent and almost an hour old: its first response falls due within the run.
  if (simulation.Happens(0.4)) {
    request.mutable_case_()->set_priority(Case::URGENT);
    *request.mutable_occur_time() =
        ToTimestamp(simulation.Now() - absl::Hours(1) +
                    simulation.Between(-absl::Milliseconds(100), absl::Milliseconds(600)));
  }
  std::string root = request.parent();
  std::string name;
  if (simulation.Happens(0.8)) {
    request.set_case_id(absl::StrCat(simulation.Below(2)));
    name = absl::StrCat(root, "/cases/", request.case_id());
  }
  return Complete(product, std::move(request), std::move(root), std::move(name));
}

Operation DrawCreateInteraction(const Product& product, Simulation& simulation) {
  service::v1::CreateInteractionRequest request;
  request.set_parent(DrawCustomer(simulation));
  request.mutable_interaction()->set_channel(service::v1::Interaction::PHONE);
  request.mutable_interaction()->set_direction(service::v1::Interaction::INBOUND);
  request.mutable_interaction()->set_summary("called");
  std::string root = request.parent();
  return Complete(product, std::move(request), std::move(root), "");
}

Operation DrawUpdateCase(const Product& product, Simulation& simulation) {
  service::v1::UpdateCaseRequest request;
  request.mutable_case_()->set_name(DrawCase(simulation));
  request.mutable_case_()->set_etag(DrawEtag(simulation));
  request.mutable_case_()->set_subject(absl::StrCat("It burns ", simulation.Below(2)));
  request.mutable_update_mask()->add_paths("subject");
  std::string name = request.case_().name();
  std::string root(RootOf(name));
  return Complete(product, std::move(request), std::move(root), std::move(name));
}

Operation DrawRequest(const Product& product, Simulation& simulation) {
  switch (simulation.Below(16)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return DrawCreateCase(product, simulation);
    case 4:
      return DrawCreateInteraction(product, simulation);
    case 5:
      return DrawUpdateCase(product, simulation);
    case 6:
      return Verb(product, simulation, service::v1::DeleteCaseRequest());
    case 7:
      return Verb(product, simulation, service::v1::UndeleteCaseRequest());
    case 8:
    case 9: {
      service::v1::AssignCaseRequest request;
      request.set_assignee(absl::StrCat("users/", simulation.Below(2)));
      return Verb(product, simulation, std::move(request));
    }
    case 10: {
      service::v1::ResolveCaseRequest request;
      request.mutable_resolution()->set_remedy("oil");
      return Verb(product, simulation, std::move(request));
    }
    case 11:
      return Verb(product, simulation, service::v1::CloseCaseRequest());
    case 12: {
      service::v1::ReopenCaseRequest request;
      request.set_reason("again");
      return Verb(product, simulation, std::move(request));
    }
    default: {
      // The one that is never done twice without a trace.
      service::v1::EscalateCaseRequest request;
      request.set_reason("it burns");
      return Verb(product, simulation, std::move(request));
    }
  }
}

}  // namespace

Product::Product() : spec_(service::Spec()), registry_(spec_.aggregates) {
  absl::StatusOr<MethodTable> methods =
      BuildMethods(spec_.rpc, registry_.types(), spec_.own_methods);
  Ensure(methods.ok(), methods.status().message());
  methods_ = *std::move(methods);
  for (const auto& type : registry_.types()) {
    if (type.on_due != nullptr) timer_methods_[&type] = MethodFor(type.on_due).descriptor;
  }
}

const Method& Product::MethodFor(const google::protobuf::Descriptor* request) const {
  const Method* found = nullptr;
  for (const auto& [descriptor, method] : methods_) {
    if (descriptor->input_type() == request) found = &method;
  }
  Ensure(found != nullptr, absl::StrCat(request->name(), " is asked by no RPC"));
  return *found;
}

Operation DrawOperation(const Product& product, Simulation& simulation, size_t number) {
  Operation operation = DrawRequest(product, simulation);
  // Most runs begin with a case to talk about.
  if (number < 3) operation = DrawCreateCase(product, simulation);
  operation.validate_only = simulation.Happens(0.05);
  operation.request_id_given = simulation.Happens(0.9);
  operation.request_id = absl::StrCat(operation.request_id_given ? kGivenId : "made-", number);
  return operation;
}

Operation OperationOf(const Product& product, const google::protobuf::Message& sent) {
  const Method& method = product.MethodFor(sent.GetDescriptor());
  Operation operation{.method = &method, .request = CopyOf(sent)};
  auto& request = *operation.request;
  operation.request_id = GetString(request, method.request_id);
  request.GetReflection()->ClearField(&request, method.request_id);
  operation.request_hash = HashOf(request);
  operation.name = GetString(request, method.name);
  operation.root = method.name == nullptr ? GetString(request, method.parent)
                                          : std::string(RootOf(operation.name));
  return operation;
}

Operation Misuse(const Product& product, Simulation& simulation, const Operation& of) {
  Operation operation = DrawRequest(product, simulation);
  operation.request_id = of.request_id;
  return operation;
}

}  // namespace rapport::model
