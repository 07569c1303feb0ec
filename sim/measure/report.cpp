// A report as text.
#include "sim/measure/report.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace volley {
namespace {

// 1234567 -> "1 234 567"
std::string grouped(Index number) {
  std::string digits = std::to_string(number);
  const std::size_t sign = number < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > sign + 3;) {
    at -= 3;
    digits.insert(at, " ");
  }
  return digits;
}

}  // namespace

std::string as_text(const Cell& cell, std::optional<int> digits) {
  if (const auto* text = std::get_if<std::string>(&cell)) {
    return *text;
  }
  if (const auto* number = std::get_if<Index>(&cell)) {
    return grouped(*number);
  }
  if (const auto* number = std::get_if<double>(&cell)) {
    return digits ? fmt::format("{:.{}f}", *number, *digits) : fmt::format("{:.6g}", *number);
  }
  return "-";
}

std::string as_text(const Table& table) {
  const std::size_t columns = table.columns.size();
  std::vector<std::size_t> widths;
  std::vector<bool> is_text(columns, true);
  for (const Column& column : table.columns) {
    widths.push_back(column.heading.size());
  }
  std::vector<std::vector<std::string>> lines;
  for (const auto& row : table.rows) {
    VOLLEY_ASSERT(row.size() == columns);
    std::vector<std::string> line;
    for (std::size_t c = 0; c < columns; ++c) {
      line.push_back(as_text(row[c], table.columns[c].digits));
      widths[c] = std::max(widths[c], line.back().size());
      is_text[c] = is_text[c] && std::holds_alternative<std::string>(row[c]);
    }
    lines.push_back(std::move(line));
  }
  std::string out;
  const auto print = [&](const auto& text_of) {
    std::string line;
    for (std::size_t c = 0; c < columns; ++c) {
      const std::string text = text_of(c);
      line += (c > 0 ? "  " : "") +
              (is_text[c] ? fmt::format("{:<{}}", text, widths[c]) : fmt::format("{:>{}}", text, widths[c]));
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  };
  print([&](std::size_t c) { return table.columns[c].heading; });
  print([&](std::size_t c) { return std::string(widths[c], '-'); });
  for (const auto& line : lines) {
    print([&](std::size_t c) { return line[c]; });
  }
  return out;
}

std::string as_text(const Report& report) {
  std::string out;
  for (const Fact& fact : report.facts) {
    out += fmt::format("{}: {}\n", fact.key, as_text(fact.value, std::nullopt));
  }
  for (const Table& table : report.tables) {
    out += (out.empty() ? "" : "\n") + as_text(table);
  }
  if (!report.remarks.empty()) {
    out += "\n";
  }
  for (const std::string& remark : report.remarks) {
    out += remark + "\n";
  }
  return out;
}

}  // namespace volley
