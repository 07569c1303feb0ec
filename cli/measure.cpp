// volley measure: every operation counted, priced by a profile.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>

#include "cli/energy_models.hpp"
#include "cli/html.hpp"
#include "cli/measure_counts.hpp"
#include "sim/base/check.hpp"

namespace volley::cli {
namespace {

constexpr double pj_per_nj = 1e3;
constexpr double pj_per_uj = 1e6;

struct Options {
  std::string model;
  RunOptions run;
  std::string profile = "horowitz45-fp32";
  Per per = Per::node;
  std::string counts;  // empty: no table of conventions
  std::string energy_counts = "executed";
  bool energy_models = false;
  HtmlOptions html;
  std::string output;
  Format format = Format::table;
};

std::vector<Column> columns_of(Per per) {
  std::vector<Column> columns;
  if (per == Per::layer) {
    columns = {{"layer", "layer"}};
  } else {
    columns = {{"node", "node"}, {"op", "op"}};
  }
  if (per == Per::step) {
    columns.push_back({"step", "step"});
  }
  if (per != Per::layer) {
    columns.push_back({"domain", "carries"});
    columns.push_back({"firing_rate", "rate", 4});
  }
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

// A row for each layer, in the order of its first node.
Table layers_of(const Plan& plan, const Ledger& ledger, double samples, const Profile& profile) {
  Table table{"layers", columns_of(Per::layer), {}};
  std::vector<std::string> names;
  std::map<std::string, std::pair<Cost, Index>> sums;
  for (const PlannedNode& node : plan.nodes()) {
    const auto at = ledger.nodes().find(node.id);
    if (at == ledger.nodes().end()) {
      continue;
    }
    const std::string layer = layer_of(node.name);
    if (!sums.contains(layer)) {
      names.push_back(layer);
    }
    sums[layer].first += at->second.cost();
    sums[layer].second += plan.dense_mac(node);  // the plan is for one sample
  }
  for (const std::string& name : names) {
    std::vector<Cell> row{name};
    append(row, counts_of(sums[name].first, static_cast<double>(sums[name].second), samples, profile));
    table.rows.push_back(std::move(row));
  }
  return table;
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

// The executed cost, with ac and mac as the convention counts them.
Cost priced_cost(Cost cost, const Convention& convention, const ConventionLedger* counts) {
  if (counts == nullptr) {
    return cost;
  }
  const Tally total = total_of(*counts, convention);
  cost.ac = std::llround(total.all_ac());
  cost.mac = std::llround(total.all_mac());
  return cost;
}

void append_counts(Report& report, const Options& options, const Session& session, const Plan& plan,
                   const ConventionLedger& counts, const Profile& profile) {
  const Index samples = session.samples();
  report.tables = {counts_table(session.model.graph, counts, options.per, samples),
                   conventions_table(counts, samples, profile)};
  const auto& chosen = counts.conventions();
  if (std::find(chosen.begin(), chosen.end(), find_convention("neurobench")) != chosen.end()) {
    report.tables.push_back(neurobench_table(counts, session.model, plan, samples));
  }
  report.remarks = counts_remarks(session.model.graph, counts);
}

// The conventions to count; none unless an option needs them.
std::vector<const Convention*> wanted_conventions(const Options& options) {
  const auto chosen = conventions_of(options.counts, options.energy_counts);
  const bool by_products = options.per == Per::head || options.per == Per::sample;
  const bool is_wanted = !options.counts.empty() || by_products || options.energy_counts != "executed";
  return is_wanted ? chosen : std::vector<const Convention*>{};
}

void measure_command(const Options& options) {
  const Profile profile = find_profile(options.profile);
  const auto chosen = wanted_conventions(options);
  Session session = open_session(options.model, options.run);
  Ledger ledger;
  std::optional<ConventionLedger> counts;
  HtmlPage page(options.html, session, options.run.input);
  std::vector<Recorder*> recorders{&ledger, &page.recorder()};
  if (!chosen.empty()) {
    recorders.push_back(&counts.emplace(chosen, activation_ports(session.model.graph)));
  }
  Recorders all(recorders);
  const RunSummary summary = run_model(session.runtime, session.model, session.data, session.settings, all,
                                       progress_on_stderr("measure"));
  const Plan plan = make_plan(session.runtime, session.model, session.settings, summary.steps, 1, true);
  const Convention& convention = *find_convention(options.energy_counts);
  const Cost cost = priced_cost(ledger.total(), convention, counts ? &*counts : nullptr);
  const Energy energy = energy_of(cost, profile);
  const auto samples = static_cast<double>(summary.samples);
  Report report{"volley.measure/1", {}, {}, {}};
  report.facts = {{"model", options.model},
                  {"input", options.run.input},
                  {"samples", summary.samples},
                  {"steps", summary.steps},
                  {"seed", options.run.seed},
                  {"parameters", session.model.parameters},
                  {"counting", options.energy_counts == "executed"
                                   ? std::string("executed (one-sided event-driven)")
                                   : fmt::format("{} ({})", convention.id, convention.description)},
                  {"energy_counts", options.energy_counts},
                  {"profile", profile.id},
                  {"profile_description", profile.description},
                  {"energy_uj_per_sample", energy.picojoules / samples / pj_per_uj}};
  if (counts) {
    append_counts(report, options, session, plan, *counts, profile);
  } else {
    report.tables = {options.per == Per::layer ? layers_of(plan, ledger, samples, profile)
                                               : table_of(plan, ledger, options.per, samples, profile)};
  }
  report.tables.push_back(totals_of(cost, summary.samples, profile));
  if (options.energy_models) {
    report.tables.push_back(energy_models_table(plan, ledger, summary.samples));
  }
  for (const std::string& kind : energy.unpriced) {
    report.remarks.push_back(
        fmt::format("'{}' has no price in {}: counted, but not in the energy", kind, profile.id));
  }
  page.write(report, profile);
  print(report, options.format, options.output);
}

}  // namespace

void add_measure(CLI::App& app, Run& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("measure", "count every operation and price it");
  command
      ->add_option("model", options->model,
                   "MODEL: a graph file, a folder, or FAMILY:KEY=VALUE,... (see build)")
      ->required();
  add_run_options(*command, options->run);
  command->add_option("--profile", options->profile, "ID of a profile or a profile file (.txtpb)")
      ->capture_default_str();
  const std::map<std::string, Per> words{{"node", Per::node},
                                         {"layer", Per::layer},
                                         {"head", Per::head},
                                         {"step", Per::step},
                                         {"sample", Per::sample}};
  command->add_option("--per", options->per, "rows: node | layer | head | step | sample")
      ->transform(CLI::CheckedTransformer(words))
      ->default_str("node");
  command->add_option("--counts", options->counts,
                      "conventions side by side: all, or ids with commas between (docs/counting.md)");
  command->add_option("--energy-counts", options->energy_counts, "convention whose ac and mac are priced")
      ->capture_default_str();
  command->add_flag("--energy-models", options->energy_models,
                    "the same counts with memory, on chips and by Lemaire (docs/energy.md)");
  command->add_option("-o,--output", options->output, "FILE.json for the report");
  add_html_options(*command, options->html);
  add_format_option(*command, options->format);
  command->footer("Example: volley measure examples/digits/ssa.txtpb --input digits --per step");
  command->callback([options, &chosen] { chosen = [options] { measure_command(*options); }; });
}

}  // namespace volley::cli
