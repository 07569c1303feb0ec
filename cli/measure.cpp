// volley measure: every operation counted, priced by a profile.
#include <CLI/CLI.hpp>

#include "cli/command.hpp"
#include "sim/base/check.hpp"

namespace volley::cli {
namespace {

constexpr double pj_per_nj = 1e3;
constexpr double pj_per_uj = 1e6;

enum class Per : std::uint8_t { node, step };

struct Options {
  std::string model;
  RunOptions run;
  std::string profile = "horowitz45-fp32";
  Per per = Per::node;
  std::string output;
  Format format = Format::table;
};

std::vector<Column> columns_of(Per per) {
  std::vector<Column> columns{{"node", "node"}, {"op", "op"}};
  if (per == Per::step) {
    columns.push_back({"step", "step"});
  }
  columns.push_back({"domain", "carries"});
  columns.push_back({"firing_rate", "rate", 4});
  for (const CostKind& kind : cost_kinds) {
    columns.push_back({std::string(kind.name) + "_per_sample", std::string(kind.name), 1});
  }
  columns.push_back({"dense_mac_per_sample", "dense mac", 1});
  columns.push_back({"energy_nj_per_sample", "nJ", 3});
  return columns;
}

std::vector<Cell> counts_of(const Cost& cost, Cell dense_mac, double samples, const Profile& profile) {
  std::vector<Cell> cells;
  for (const CostKind& kind : cost_kinds) {
    cells.emplace_back(static_cast<double>(cost.*kind.count) / samples);
  }
  cells.push_back(std::move(dense_mac));
  cells.emplace_back(energy_of(cost, profile).picojoules / samples / pj_per_nj);
  return cells;
}

void append(std::vector<Cell>& row, std::vector<Cell> more) {
  row.insert(row.end(), more.begin(), more.end());
}

Table table_of(const Plan& plan, const Ledger& ledger, Per per, double samples, const Profile& profile) {
  Table table{"nodes", columns_of(per), {}};
  for (const PlannedNode& node : plan.nodes()) {
    const auto at = ledger.nodes().find(node.id);
    if (at == ledger.nodes().end()) {
      continue;
    }
    const NodeEntry& entry = at->second;
    const auto rate_of = [&](Index spikes, Index elements) {
      return entry.out.is_spikes() && elements > 0
                 ? Cell(static_cast<double>(spikes) / static_cast<double>(elements))
                 : Cell();
    };
    const std::vector<Cell> head{node.name, std::string(node.op->kind())};
    if (per == Per::node) {
      const auto dense = static_cast<double>(plan.dense_mac(node));  // the plan is for one sample
      std::vector<Cell> row = head;
      append(row, {domain(entry.out), rate_of(entry.spikes_out(), entry.elements_out())});
      append(row, counts_of(entry.cost(), dense, samples, profile));
      table.rows.push_back(std::move(row));
      continue;
    }
    for (std::size_t t = 0; t < entry.steps.size(); ++t) {
      std::vector<Cell> row = head;
      append(row, {static_cast<Index>(t), domain(entry.out),
                   rate_of(entry.steps[t].spikes_out, entry.steps[t].elements_out)});
      append(row, counts_of(entry.steps[t].cost, {}, samples, profile));
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

Table totals_of(const Cost& total, Index samples, const Profile& profile) {
  Table table{"totals",
              {{"kind", "operation"},
               {"total", "total"},
               {"per_sample", "per sample", 1},
               {"price_pj", "pJ each", 3},
               {"energy_uj_per_sample", "uJ per sample", 6}},
              {}};
  for (const CostKind& kind : cost_kinds) {
    const Index count = total.*kind.count;
    const auto price = profile.prices.find(std::string(kind.name));
    const bool is_priced = price != profile.prices.end();
    const double mean = static_cast<double>(count) / static_cast<double>(samples);
    table.rows.push_back({std::string(kind.name), count, mean,
                          is_priced ? Cell(price->second.picojoules) : Cell(),
                          is_priced ? Cell(mean * price->second.picojoules / pj_per_uj) : Cell()});
  }
  return table;
}

void measure_command(const Options& options) {
  const Profile profile = find_profile(options.profile);
  const Session session = open_session(options.model, options.run);
  Ledger ledger;
  const RunSummary summary = run_model(session.runtime, session.model, session.data, session.settings, ledger,
                                       progress_on_stderr("measure"));
  const Plan plan = make_plan(session.runtime, session.model, session.settings, summary.steps, 1, true);
  const Energy energy = energy_of(ledger.total(), profile);
  Report report{"volley.measure/1", {}, {}, {}};
  report.facts = {
      {"model", options.model},
      {"input", options.run.input},
      {"samples", summary.samples},
      {"steps", summary.steps},
      {"seed", options.run.seed},
      {"parameters", session.model.parameters},
      {"counting", std::string("executed (one-sided event-driven)")},
      {"profile", profile.id},
      {"profile_description", profile.description},
      {"energy_uj_per_sample", energy.picojoules / static_cast<double>(summary.samples) / pj_per_uj}};
  report.tables = {table_of(plan, ledger, options.per, static_cast<double>(summary.samples), profile),
                   totals_of(ledger.total(), summary.samples, profile)};
  for (const std::string& kind : energy.unpriced) {
    report.remarks.push_back(
        fmt::format("'{}' has no price in {}: counted, but not in the energy", kind, profile.id));
  }
  print(report, options.format, options.output);
}

}  // namespace

void add_measure(CLI::App& app, Run& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("measure", "count every operation and price it");
  command
      ->add_option("model", options->model,
                   "MODEL: a graph file, a folder, or spikformer:dim=384,depth=4,...")
      ->required();
  add_run_options(*command, options->run);
  command->add_option("--profile", options->profile, "ID of a profile or a profile file (.txtpb)")
      ->capture_default_str();
  command->add_option("--per", options->per, "rows: node | step")
      ->transform(
          CLI::CheckedTransformer(std::map<std::string, Per>{{"node", Per::node}, {"step", Per::step}}))
      ->default_str("node");
  command->add_option("-o,--output", options->output, "FILE.json for the report");
  add_format_option(*command, options->format);
  command->footer("Example: volley measure examples/digits/ssa.txtpb --input digits --per step");
  command->callback([options, &chosen] { chosen = [options] { measure_command(*options); }; });
}

}  // namespace volley::cli
