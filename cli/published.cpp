// volley published: published energies, worked out again.
#include <CLI/CLI.hpp>

#include "cli/command.hpp"
#include "sim/base/check.hpp"
#include "sim/measure/published.hpp"

namespace volley::cli {
namespace {

Cell cell_of(const std::optional<double>& number) {
  return number ? Cell(*number) : Cell();
}

std::string word_of(const PublishedRow& row) {
  return !row.difference() ? "-" : row.agrees() ? "yes" : "no";
}

void published_command(Format format) {
  Report report{"volley.published/1", {}, {}, {}};
  Table table{"published",
              {{"model", "model"},
               {"quantity", "quantity"},
               {"published", "published", 6},
               {"ours", "ours", 6},
               {"difference", "difference", 6},
               {"agrees", "agrees"},
               {"convention", "convention"},
               {"source", "source"}},
              {}};
  for (const PublishedRow& row : published_rows()) {
    table.rows.push_back({row.model, row.what, cell_of(row.published), cell_of(row.ours),
                          cell_of(row.difference()), word_of(row), row.convention, row.source});
    if (!row.remark.empty()) {
      report.remarks.push_back(fmt::format("{} ({}): {}", row.model, row.convention, row.remark));
    }
  }
  report.tables.push_back(std::move(table));
  print(report, format);
}

}  // namespace

void add_published(CLI::App& app, Run& chosen) {
  auto format = std::make_shared<Format>(Format::table);
  CLI::App* command =
      app.add_subcommand("published", "published energies, worked out again from shapes and rates");
  add_format_option(*command, *format);
  command->footer("Example: volley published --format json");
  command->callback([format, &chosen] { chosen = [format] { published_command(*format); }; });
}

}  // namespace volley::cli
