// The JSON of a report against its schema, proto/report.proto.
#pragma once

#include <string>
#include <string_view>

namespace volley {

// Throws Error that names the key: missing, of another type, or a schema that is not known or newer. Keys
// that the schema lacks are let through. what: the file, for messages.
void check_report_json(std::string_view json, const std::string& what);

}  // namespace volley
