// The text of a page: what stands on it and what its script draws.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>

#include "cli/command.hpp"

namespace volley::cli {

struct PageParts {
  std::string verdict;
  std::vector<std::string> warnings;
  std::vector<std::string> origin;  // lines under the command: seed, files with their CRC-32
  std::map<std::string, std::string>
      data;  // what is drawn: id of a section, and JSON as cli/page.js reads it
};

// JSON for `data`, in ASCII; what is no UTF-8 is replaced.
std::string script_text(const nlohmann::ordered_json& json);

// Everything but the data is escaped here.
std::string page_text(const Report& report, const PageParts& parts);

// Writes the file whole or not at all.
void write_page(const std::string& path, const Report& report, const PageParts& parts);

}  // namespace volley::cli
