// Picks the columns of a report's tables that a page draws.
#include "cli/page_charts.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

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
  const auto* number = std::get_if<double>(&cell);
  return number == nullptr ? Json() : Json(*number);
}

bool is_number(const Cell& cell) {
  return std::holds_alternative<Index>(cell) || std::holds_alternative<double>(cell);
}

// One column, row by row.
Json column_of(const Table& table, std::string_view key) {
  const auto at = std::find_if(table.columns.begin(), table.columns.end(),
                               [&](const Column& column) { return column.key == key; });
  Json cells = Json::array();
  for (const auto& row : table.rows) {
    cells.push_back(json_of(row[static_cast<std::size_t>(at - table.columns.begin())]));
  }
  return cells;
}

// Bars for each column with a number; one model needs none.
Json comparison_of(const Table& table) {
  Json out = Json::array();
  for (std::size_t c = 0; c < table.columns.size() && table.rows.size() > 1; ++c) {
    Json bars{{"heading", table.columns[c].heading}, {"names", Json::array()}, {"numbers", Json::array()}};
    bool has_numbers = false;
    for (const auto& row : table.rows) {
      has_numbers = has_numbers || is_number(row[c]);
      bars["names"].push_back(as_text(row[0]));
      bars["numbers"].push_back(json_of(row[c]));
    }
    if (has_numbers) {
      out.push_back(std::move(bars));
    }
  }
  return out;
}

Json columns_of(const Table& table, std::initializer_list<const char*> keys) {
  Json out = Json::object();
  for (const char* key : keys) {
    out[key] = column_of(table, key);
  }
  return out;
}

Json chart_of(const Table& table) {
  if (table.key == "models") {
    return comparison_of(table);
  }
  if (table.key == "over_steps") {
    return columns_of(table, {"model", "steps", "accuracy_percent", "energy_uj_per_sample"});
  }
  if (table.key == "conventions") {
    return columns_of(table, {"convention", "ac_per_sample", "mac_per_sample", "not_counted"});
  }
  if (table.key == "energy_models") {
    return columns_of(table, {"model", "profile", "energy_uj_per_sample", "not_priced"});
  }
  return {};
}

}  // namespace

void add_charts(PageParts& parts, const Report& report) {
  for (const Table& table : report.tables) {
    if (const Json chart = chart_of(table); !chart.empty()) {
      parts.data[table.key == "models" ? "comparison" : table.key] = script_text(chart);
    }
  }
}

}  // namespace volley::cli
