// A report: facts, tables and remarks, printed as text or as JSON.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sim/base/device_fn.hpp"

namespace volley {

using Cell =
    std::variant<std::monostate, std::string, Index, double>;  // monostate: not known, printed as "-"

// key: of the JSON, carries the unit ("energy_uj"); heading: of the table.
struct Column {
  std::string key;
  std::string heading;
  int digits = 2;  // behind the point, of a double in a table
};

struct Table {
  std::string key;
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;  // as long as columns
};

struct Fact {
  std::string key;
  Cell value;
};

struct Report {
  std::string schema;  // "volley.compare/1"
  std::vector<Fact> facts;
  std::vector<Table> tables;
  std::vector<std::string> remarks;
};

// Columns aligned, numbers to the right, thousands apart; facts above, remarks below.
std::string as_text(const Report& report);
std::string as_text(const Table& table);
// digits: behind the point, of a double; none: six that count.
std::string as_text(const Cell& cell, std::optional<int> digits = std::nullopt);

}  // namespace volley
