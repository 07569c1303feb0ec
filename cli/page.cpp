// The text of a page.
#include "cli/page.hpp"

#include <array>
#include <nlohmann/json.hpp>

#include "cli/page_parts.hpp"
#include "sim/io/file.hpp"

namespace volley::cli {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string html_table(const Table& table) {
  std::string out = fmt::format("<h3>{}</h3>\n<div class=\"wide\"><table>\n<thead><tr>", escaped(table.key));
  for (const Column& column : table.columns) {
    out += fmt::format("<th title=\"{}\">{}</th>", escaped(column.key), escaped(column.heading));
  }
  out += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (std::size_t c = 0; c < row.size(); ++c) {
      const bool is_text = std::holds_alternative<std::string>(row[c]);
      out += fmt::format("<td{}>{}</td>", is_text ? "" : " class=\"n\"",
                         escaped(as_text(row[c], table.columns[c].digits)));
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string html_list(const std::vector<std::string>& lines) {
  std::string out = "<ul>\n";
  for (const std::string& line : lines) {
    out += fmt::format("<li>{}</li>\n", escaped(line));
  }
  return out + "</ul>\n";
}

struct Section {
  const char* id;
  const char* title;
  const char* about;
};
constexpr Section drawn[] = {
    {"comparison", "Side by side", ""},
    {"over_steps", "Over steps", "Spiking models as read after T' steps of one run."},
    {"conventions", "Operations by convention",
     "Products per sample, on a log axis. A count of 0 has no bar."},
    {"energy_models", "Energy by model and profile",
     "uJ per sample, on a log axis; behind each bar the kinds of operation that are not in it."},
    {"operations", "Operations of each layer",
     "Per sample, as executed. A layer without operations is left out."},
    {"energy", "Energy of each layer", "Per sample, of the kinds of operation that the profile prices."},
    {"spikes", "Spikes per layer and step",
     "Firing rate: unit events for each neuron and step, over all samples of the run."},
    {"raster", "Raster",
     "Spikes of the watched neurons in one sample. A graded spike is the darker the greater."},
    {"membrane", "Membranes", "After the reset, of the first watched neurons, in the same sample."},
    {"attention", "Attention", "Scores of one sample: a row a query, a column a key; dark is large."}};

// No text in it can end the script element.
std::string script_json(const PageParts& parts) {
  std::string json;
  for (const auto& [id, text] : parts.data) {
    json += fmt::format("{}\"{}\":{}", json.empty() ? "{" : ",\n", id, text);
  }
  json += json.empty() ? "{}" : "}";
  for (std::size_t at = json.find('<'); at != std::string::npos; at = json.find('<', at)) {
    json.replace(at, 1, "\\u003c");
  }
  return json;
}

std::string sections_text(const Report& report, const PageParts& parts) {
  std::string body =
      fmt::format("<h1>{}</h1>\n<p class=\"verdict\">{}</p>\n",
                  escaped(report.schema.substr(0, report.schema.find('/'))), escaped(parts.verdict));
  body += "<dl>\n";
  for (const Fact& fact : report.facts) {
    body +=
        fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escaped(fact.key), escaped(as_text(fact.value)));
  }
  body += "</dl>\n";
  if (!parts.warnings.empty()) {
    body += "<section class=\"warnings\"><h2>Warnings</h2>\n" + html_list(parts.warnings) + "</section>\n";
  }
  for (const Section& section : drawn) {
    if (parts.data.contains(section.id)) {
      body += fmt::format("<section id=\"{}\"><h2>{}</h2>\n<p>{}</p>\n</section>\n", section.id,
                          section.title, section.about);
    }
  }
  body += "<section><h2>Tables</h2>\n";
  for (const Table& table : report.tables) {
    body += html_table(table);
  }
  body += report.remarks.empty() ? "" : html_list(report.remarks);
  body += "</section>\n<section><h2>Reproduce</h2>\n";
  body += fmt::format("<pre>{}</pre>\n<p>volley {}</p>\n", escaped(command_line()), VOLLEY_VERSION);
  body += parts.origin.empty() ? "" : html_list(parts.origin);
  body +=
      fmt::format("</section>\n<details><summary>Licence of Chart.js</summary>\n<pre>{}</pre></details>\n",
                  escaped(chart_licence));
  return body;
}

}  // namespace

std::string script_text(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
}

std::string page_text(const Report& report, const PageParts& parts) {
  std::string page = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n<style>",
      escaped(report.schema + ": " + parts.verdict));
  page += page_css;
  page += "</style></head>\n<body>\n" + sections_text(report, parts);
  page += "<script type=\"application/json\" id=\"data\">" + script_json(parts) + "</script>\n<script>";
  page += chart_js;
  page += "</script>\n<script>";
  page += page_js;
  return page + "</script>\n</body></html>\n";
}

void write_page(const std::string& path, const Report& report, const PageParts& parts) {
  const std::string page = page_text(report, parts);
  const std::array pieces{std::as_bytes(std::span(page))};
  write_pieces(path, pieces);
}

}  // namespace volley::cli
