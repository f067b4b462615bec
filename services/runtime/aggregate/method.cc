#include "services/runtime/aggregate/method.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "rapport/log/v1/history.pb.h"
#include "rapport/log/v1/refused.pb.h"
#include "services/runtime/base/resource_name.h"
#include "services/runtime/base/status.h"

namespace rapport {
namespace {

std::string Capitalized(absl::string_view word) {
  std::string text(word);
  text[0] = absl::ascii_toupper(text[0]);
  return text;
}

// "Create", "Get" … where the request is a standard one of this aggregate.
bool Classify(const AggregateType& type, absl::string_view request, Method* method) {
  const std::string& one = type.state->name();
  const std::string many = Capitalized(type.plural);
  const std::pair<std::string, Method::Kind> standard[] = {
      {absl::StrCat("Create", one, "Request"), Method::Kind::kCreate},
      {absl::StrCat("Update", one, "Request"), Method::Kind::kUpdate},
      {absl::StrCat("Delete", one, "Request"), Method::Kind::kDelete},
      {absl::StrCat("Undelete", one, "Request"), Method::Kind::kUndelete},
      {absl::StrCat("Get", one, "Request"), Method::Kind::kGet},
      {absl::StrCat("List", many, "Request"), Method::Kind::kList}};
  for (const auto& [name, kind] : standard) {
    if (request != name) continue;
    method->kind = kind;
    method->aggregate = &type;
    return true;
  }
  for (const auto& command : type.commands) {
    if (request != command.request->name()) continue;
    method->kind = Method::Kind::kVerb;
    method->aggregate = &type;
    method->command = &command;
    return true;
  }
  return false;
}

std::string SnakeCase(absl::string_view camel) {
  std::string snake;
  for (const char c : camel) {
    if (absl::ascii_isupper(c) && !snake.empty()) snake += '_';
    snake += absl::ascii_tolower(c);
  }
  return snake;
}

}  // namespace

absl::StatusOr<MethodTable> BuildMethods(const ServiceDescriptor* service,
                                         const std::vector<AggregateType>& aggregates,
                                         const std::vector<OwnMethod>& own_methods) {
  MethodTable table;
  for (int i = 0; i < service->method_count(); ++i) {
    Method method{.descriptor = service->method(i)};
    const auto* request = method.descriptor->input_type();
    bool known = true;
    if (request == log::v1::ListEventsRequest::descriptor()) {
      method.kind = Method::Kind::kListEvents;
    } else if (request == log::v1::ListRefusedReactionsRequest::descriptor()) {
      method.kind = Method::Kind::kListRefused;
    } else {
      known = false;
    }
    for (const auto& own : own_methods) {
      if (own.request != request) continue;
      known = true;
      method.own = &own;
      method.kind = own.query        ? Method::Kind::kQuery
                    : own.root_query ? Method::Kind::kRootQuery
                                     : Method::Kind::kFlow;
    }
    for (const auto& type : aggregates) {
      if (!known) known = Classify(type, request->name(), &method);
    }
    if (!known) {
      return absl::FailedPreconditionError(
          absl::StrCat("nothing answers ", method.descriptor->full_name(),
                       ": give an aggregate of the service a Decide for ", request->name(),
                       ", or the service a method of its own"));
    }
    method.name = request->FindFieldByName("name");
    method.parent = request->FindFieldByName("parent");
    method.etag = request->FindFieldByName("etag");
    method.update_mask = request->FindFieldByName("update_mask");
    method.request_id = request->FindFieldByName("request_id");
    method.validate_only = request->FindFieldByName("validate_only");
    method.occur_time = request->FindFieldByName("occur_time");
    if (method.aggregate != nullptr) {
      const std::string singular = SnakeCase(method.aggregate->singular);
      method.id = request->FindFieldByName(absl::StrCat(singular, "_id"));
      method.resource = request->FindFieldByName(singular);
    }
    table.emplace(method.descriptor, method);
  }
  return table;
}

std::string GetString(const Message& message, const FieldDescriptor* field) {
  return field == nullptr ? "" : message.GetReflection()->GetString(message, field);
}

std::string ParentPattern(const AggregateType& type) {
  return std::string(ParentOf(type.pattern));
}

absl::Status BadName(absl::string_view field, absl::string_view name, absl::string_view pattern) {
  return InvalidField(field, absl::StrCat("\"", name, "\" does not have the form ", pattern,
                                          "; ids are [a-z0-9-], 63 characters at most"));
}

}  // namespace rapport
