// A report as CSV and as Markdown.
#include "cli/command.hpp"

namespace volley::cli {
namespace {

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

// A line stays one line.
std::string one_line(std::string text) {
  return replaced(replaced(std::move(text), "\r", " "), "\n", " ");
}

// RFC 4180.
std::string csv_text(const std::string& text) {
  return text.find_first_of(",\"\r\n#") == std::string::npos ? text
                                                             : "\"" + replaced(text, "\"", "\"\"") + "\"";
}

// What is not known is empty; a number is the shortest text that reads back equal.
std::string csv_cell(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) {
    return csv_text(*text);
  }
  if (const auto* number = std::get_if<Index>(&cell)) {
    return std::to_string(*number);
  }
  const auto* number = std::get_if<double>(&cell);
  return number == nullptr ? "" : fmt::format("{}", *number);
}

// What Markdown would read as a mark is text here.
std::string md_text(const std::string& text) {
  std::string out;
  for (const char c : one_line(text)) {
    if (std::string_view("\\|`*_<>[]#").find(c) != std::string_view::npos) {
      out += '\\';
    }
    out += c;
  }
  return out;
}

bool is_text_column(const Table& table, std::size_t column) {
  for (const auto& row : table.rows) {
    if (!std::holds_alternative<std::string>(row[column])) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string as_csv(const Report& report) {
  std::string out = fmt::format("# schema: {}\n", report.schema);
  for (const Fact& fact : report.facts) {
    const auto* text = std::get_if<std::string>(&fact.value);
    out += fmt::format("# {}: {}\n", fact.key, text == nullptr ? csv_cell(fact.value) : one_line(*text));
  }
  for (const std::string& remark : report.remarks) {
    out += fmt::format("# {}\n", one_line(remark));
  }
  for (const Table& table : report.tables) {
    out += fmt::format("\n# table: {}\n", table.key);
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      out += (c > 0 ? "," : "") + csv_text(table.columns[c].key);
    }
    out += "\n";
    for (const auto& row : table.rows) {
      for (std::size_t c = 0; c < row.size(); ++c) {
        out += (c > 0 ? "," : "") + csv_cell(row[c]);
      }
      out += "\n";
    }
  }
  return out;
}

std::string as_markdown(const Report& report) {
  std::string out = fmt::format("### {}\n\n", md_text(report.schema));
  for (const Fact& fact : report.facts) {
    out += fmt::format("- {}: {}\n", md_text(fact.key), md_text(as_text(fact.value)));
  }
  for (const Table& table : report.tables) {
    std::string head = "|";
    std::string rule = "|";
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      head += fmt::format(" {} |", md_text(table.columns[c].heading));
      rule += is_text_column(table, c) ? " --- |" : " ---: |";
    }
    out += fmt::format("\n{}\n{}\n", head, rule);
    for (const auto& row : table.rows) {
      out += "|";
      for (std::size_t c = 0; c < row.size(); ++c) {
        out += fmt::format(" {} |", md_text(as_text(row[c], table.columns[c].digits)));
      }
      out += "\n";
    }
  }
  for (std::size_t i = 0; i < report.remarks.size(); ++i) {
    out += fmt::format("{}- {}\n", i == 0 ? "\n" : "", md_text(report.remarks[i]));
  }
  return out;
}

}  // namespace volley::cli
