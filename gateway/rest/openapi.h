// The REST API as an OpenAPI 3.1 document, made from the descriptors that the routes are made from.
//
// Paths, parameters and bodies say what Routes takes; schemas are proto3 JSON. The descriptors in a
// program carry no comments, so there are none here either: they stand in the protos.
// Threads: a pure function.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gateway/rest/routes.h"

namespace rapport::rest {

// The routes of `services`, and the import of each collection that they can create. Made once: it
// takes some milliseconds.
std::string OpenApi(const Routes& routes,
                    const std::vector<const google::protobuf::ServiceDescriptor*>& services,
                    absl::string_view version);

}  // namespace rapport::rest
