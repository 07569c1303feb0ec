// A report as JSON.
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "sim/base/check.hpp"
#include "sim/io/file.hpp"

namespace volley::cli {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) {
    return *text;
  }
  if (const auto* number = std::get_if<Index>(&cell)) {
    return *number;
  }
  if (const auto* number = std::get_if<double>(&cell)) {
    return *number;
  }
  return nullptr;
}

std::string in_format(const Report& report, Format format) {
  switch (format) {
    case Format::json:
      return as_json(report);
    case Format::csv:
      return as_csv(report);
    case Format::md:
      return as_markdown(report);
    case Format::table:
      break;
  }
  return as_text(report);
}

// The word as one would type it: quoted where a shell would read more into it.
std::string for_a_shell(const std::string& word) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=,@%+-";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) {
    return word;
  }
  std::string quoted = "'";
  for (const char c : word) {
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return quoted + "'";
}

std::string& kept_command_line() {
  static std::string line;
  return line;
}

}  // namespace

std::string as_json(const Report& report) {
  Json json;
  json["schema"] = report.schema;
  json["volley_version"] = VOLLEY_VERSION;
  json["command"] = command_line();
  for (const Fact& fact : report.facts) {
    json[fact.key] = json_of(fact.value);
  }
  for (const Table& table : report.tables) {
    Json rows = Json::array();
    for (const auto& row : table.rows) {
      Json entry;
      for (std::size_t c = 0; c < row.size(); ++c) {
        entry[table.columns[c].key] = json_of(row[c]);
      }
      rows.push_back(std::move(entry));
    }
    json[table.key] = std::move(rows);
  }
  json["remarks"] = report.remarks;
  return json.dump(2) + "\n";
}

void print(const Report& report, Format format, const std::string& json_file) {
  const std::string text = in_format(report, format);
  std::fputs(text.c_str(), stdout);
  if (!json_file.empty()) {
    const std::string json = as_json(report);
    const std::array pieces{std::as_bytes(std::span(json))};
    write_pieces(json_file, pieces);
  }
}

void keep_command_line(int count, char** words) {
  for (int i = 0; i < count; ++i) {
    kept_command_line() += (i > 0 ? " " : "") + for_a_shell(words[i]);
  }
}

std::string command_line() {
  return kept_command_line();
}

}  // namespace volley::cli
