#include "gateway/rest/openapi.h"

#include <algorithm>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gateway/rest/import_rows.h"
#include "gateway/rest/json_plan.h"
#include "gateway/rest/openapi_schema.h"
#include "google/api/resource.pb.h"

namespace rapport::rest {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

// Query parameters reach into messages this deep; ours need one level.
constexpr size_t kMaxParameterDepth = 3;

constexpr absl::string_view kDescription =
    "The customer at the centre. Fields that hold their default are left out of answers; an answer "
    "to a readMask has only what the mask names.";
// As http_error.h writes it.
constexpr absl::string_view kErrorSchema =
    R"({"type":"object","required":["error"],"properties":{"error":{"type":"object",)"
    R"("required":["code","status","message","details"],"properties":{)"
    R"("code":{"type":"integer","description":"The HTTP status"},)"
    R"("status":{"type":"string","description":"The name of a google.rpc.Code"},)"
    R"("message":{"type":"string"},"details":{"type":"array","items":{"type":"object",)"
    R"("required":["@type"],"properties":{"@type":{"type":"string"}}}}}}}})";

// "orders" → "order", by the patterns of all resources: the name of an id in a path.
using IdNames = std::map<std::string, std::string, std::less<>>;

void AddIdNames(const google::protobuf::FileDescriptor* file, IdNames* names) {
  for (int i = 0; i < file->message_type_count(); ++i) {
    const auto& resource = file->message_type(i)->options().GetExtension(google::api::resource);
    for (const std::string& pattern : resource.pattern()) {
      const std::vector<std::string> parts = absl::StrSplit(pattern, '/');
      for (size_t id = 1; id < parts.size(); id += 2) {
        (*names)[parts[id - 1]] = parts[id].substr(1, parts[id].size() - 2);
      }
    }
  }
}

std::string PathOf(const PathTemplate& path, const IdNames& names) {
  std::string text;
  absl::string_view collection;
  for (const std::string& segment : path.segments) {
    const auto name = names.find(collection);
    if (segment == "*") {
      absl::StrAppend(&text, "/{", name == names.end() ? "id" : name->second, "}");
    } else {
      absl::StrAppend(&text, "/", segment == "**" ? "{rest}" : segment);
    }
    collection = segment;
  }
  return path.verb.empty() ? text : absl::StrCat(text, ":", path.verb);
}

bool Has(const Descriptor* type, const char* field) {
  return type->FindFieldByName(field) != nullptr;
}

// Whether the body holds only the fields that are to change.
bool IsUpdate(const Route& route) {
  return route.body != nullptr && absl::StartsWith(route.method->name(), "Update");
}

bool IsCreate(const Route& route) {
  return route.verb == "POST" && absl::StartsWith(route.method->name(), "Create");
}

class Document {
 public:
  Document(const Routes& routes, const std::vector<const ServiceDescriptor*>& services) {
    IdNames names;
    for (const auto& route : routes.all()) {
      AddIdNames(route->method->input_type()->file(), &names);
      AddIdNames(route->method->output_type()->file(), &names);
    }
    for (const auto& route : routes.all()) {
      const auto* service = route->method->service();
      if (std::find(services.begin(), services.end(), service) == services.end()) continue;
      by_path_[PathOf(route->path, names)].push_back(route.get());
    }
  }

  std::string Write(absl::string_view version) {
    json_.Object([&] {
      json_.Member("openapi", "3.1.0");
      json_.Object("info", [&] {
        json_.Member("title", "Rapport");
        json_.Member("version", version);
        json_.Member("description", kDescription);
      });
      json_.Object("paths", [&] { Paths(); });
      json_.Object("components", [&] { Components(); });
    });
    return json_.text();
  }

 private:
  void Paths() {
    for (const auto& [path, routes] : by_path_) {
      json_.Object(path, [&, &path = path, &routes = routes] {
        for (const Route* route : routes) {
          json_.Object(absl::AsciiStrToLower(route->verb), [&] { Operation(path, *route); });
        }
      });
    }
    for (const auto& [path, routes] : by_path_) {
      const auto create =
          std::find_if(routes.begin(), routes.end(), [](const Route* r) { return IsCreate(*r); });
      if (create == routes.end()) continue;
      json_.Object(absl::StrCat(path, kImportVerb),
                   [&, &path = path] { json_.Object("post", [&] { Import(path, **create); }); });
    }
  }

  void Operation(absl::string_view path, const Route& route) {
    Identity(*route.method, "");
    json_.Array("parameters", [&] {
      PathParameters(path);
      if (!route.whole_body) QueryParameters(route, route.method->input_type(), {});
      HeaderParameters(route);
    });
    if (route.has_body()) json_.Object("requestBody", [&] { Body(route); });
    json_.Object("responses", [&] { Responses(*route.method); });
  }

  void Identity(const MethodDescriptor& method, absl::string_view what) {
    std::string id = absl::StrCat(method.service()->name(), "_", what, method.name());
    if (const int again = used_ids_[id]++; again > 0) absl::StrAppend(&id, "_", again + 1);
    json_.Member("operationId", id);
    json_.Array("tags", [&] { json_.String(method.service()->name()); });
  }

  void PathParameters(absl::string_view path) {
    for (absl::string_view part : absl::StrSplit(path, '/')) {
      if (!absl::ConsumePrefix(&part, "{")) continue;
      json_.Object([&] {
        json_.Member("name", part.substr(0, part.find('}')));
        json_.Member("in", "path");
        json_.True("required");
        json_.Object("schema", [&] {
          json_.Member("type", "string");
          json_.Member("pattern", "^[a-z0-9-]{1,63}$");
        });
      });
    }
  }

  void QueryParameters(const Route& route, const Descriptor* type, const FieldPath& above) {
    for (int i = 0; i < type->field_count(); ++i) {
      const FieldDescriptor* field = type->field(i);
      FieldPath path = above;
      path.push_back(field);
      const bool in_path =
          std::find(route.variables.begin(), route.variables.end(), path) != route.variables.end();
      if (path.front() == route.body || in_path || field->is_map()) continue;
      const bool nested = field->message_type() != nullptr &&
                          PlanOf(field->message_type()).form == MessagePlan::Form::kFields;
      if (!nested) {
        QueryParameter(path);
      } else if (!field->is_repeated() && path.size() < kMaxParameterDepth) {
        QueryParameters(route, field->message_type(), path);
      }
    }
  }

  void QueryParameter(const FieldPath& path) {
    std::string name;
    for (const auto* field : path) {
      absl::StrAppend(&name, name.empty() ? "" : ".", field->json_name());
    }
    json_.Object([&] {
      json_.Member("name", name);
      json_.Member("in", "query");
      if (path.size() == 1 && HasBehavior(path[0], google::api::REQUIRED)) json_.True("required");
      json_.Object("schema", [&] { schemas_.Field(path.back()); });
    });
  }

  void HeaderParameters(const Route& route) {
    const auto refer = [this](const char* name) {
      json_.Object([&] { schemas_.Reference("parameters", name); });
    };
    const Descriptor* request = route.method->input_type();
    if (Has(request, "request_id")) refer("IdempotencyKey");
    if (Has(IsUpdate(route) ? route.body->message_type() : request, "etag")) refer("IfMatch");
    refer("ConsistencyToken");
    if (route.verb == "GET") refer("Read");
  }

  void Body(const Route& route) {
    const Descriptor* request = route.method->input_type();
    Fields given;
    for (const FieldPath& variable : route.variables) given.push_back(variable.front());
    const Fields required = RequiredFields(request, given);
    if (route.body != nullptr || !required.empty()) json_.True("required");
    Content("application/json", [&] {
      if (route.whole_body) {
        schemas_.Properties(request);
        schemas_.Required(required);
        return;
      }
      const Descriptor* type = route.body->message_type();
      schemas_.Message(type);
      if (IsResource(type) && !IsUpdate(route)) schemas_.Required(RequiredFields(type));
    });
  }

  template <class Schema>
  void Content(const char* type, Schema schema) {
    json_.Object("content", [&] { json_.Object(type, [&] { json_.Object("schema", schema); }); });
  }
  void Text() { json_.Member("type", "string"); }

  void Responses(const MethodDescriptor& method) {
    json_.Object("200", [&] {
      json_.Member("description", "OK");
      json_.Object("headers", [&] {
        const auto header = [this](const char* name) {
          json_.Object(name, [&] { json_.Object("schema", [&] { Text(); }); });
        };
        header("Rapport-Consistency-Token");
        if (Has(method.input_type(), "request_id")) header("Rapport-Repeat");
        if (Has(method.output_type(), "etag")) header("ETag");
      });
      Content("application/json", [&] { schemas_.Message(method.output_type()); });
    });
    json_.Object("default", [&] { schemas_.Reference("responses", "Error"); });
  }

  // NDJSON both ways, which OpenAPI 3.1 can only call text.
  void Import(absl::string_view path, const Route& route) {
    Identity(*route.method, "Import");
    json_.Member("description",
                 absl::StrCat("Each line is a ", route.method->input_type()->name(),
                              " as JSON; the answer has a line for each, and counts at the end. "
                              "With - for the parent every row names its own."));
    json_.Array("parameters", [&] {
      PathParameters(path);
      json_.Object([&] {
        json_.True("required");
        Parameter("job", "query", "string", "Rows of one job are done once, however often sent.");
      });
      json_.Object([&] {
        Parameter("firstRow", "query", "integer",
                  "The number of the body's first line; 1 if absent.");
      });
    });
    json_.Object("requestBody", [&] {
      json_.True("required");
      Content("application/x-ndjson", [&] { Text(); });
    });
    json_.Object("responses", [&] {
      json_.Object("200", [&] {
        json_.Member("description", "A line per row, then the counts");
        Content("application/x-ndjson", [&] { Text(); });
      });
      json_.Object("default", [&] { schemas_.Reference("responses", "Error"); });
    });
  }

  void Parameter(const char* name, const char* in, const char* type, const char* description) {
    json_.Member("name", name);
    json_.Member("in", in);
    json_.Member("description", description);
    json_.Object("schema", [&] { json_.Member("type", type); });
  }

  void Components() {
    json_.Object("parameters", [&] {
      const auto header = [this](const char* key, const char* name, const char* description) {
        json_.Object(key, [&] { Parameter(name, "header", "string", description); });
      };
      header("IdempotencyKey", "Idempotency-Key",
             "1 to 64 printable characters; what is sent again under the same key is done once.");
      header("IfMatch", "If-Match", "The etag of what the change is meant for, quoted.");
      header("ConsistencyToken", "Rapport-Consistency-Token",
             "As an earlier answer carried it: this one sees at least as much.");
      header("Read", "Rapport-Read",
             "strong: sees whatever was acknowledged before, without a token; slower.");
    });
    json_.Object("responses", [&] {
      json_.Object("Error", [&] {
        json_.Member("description", "google.rpc.Status: what is wrong, where, and the way out");
        json_.Object("content", [&] {
          json_.Object("application/json", [&] { json_.Raw("schema", kErrorSchema); });
        });
      });
    });
    json_.Object("schemas", [&] { schemas_.Components(); });
  }

  JsonOut json_;
  SchemaWriter schemas_{json_};
  std::map<std::string, std::vector<const Route*>> by_path_;
  std::map<std::string, int> used_ids_;
};

}  // namespace

std::string OpenApi(const Routes& routes, const std::vector<const ServiceDescriptor*>& services,
                    absl::string_view version) {
  return Document(routes, services).Write(version);
}

}  // namespace rapport::rest
