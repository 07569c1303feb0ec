// volley compare: models side by side on the same data, and who wins.
#include <CLI/CLI.hpp>

#include <chrono>

#include "cli/command.hpp"
#include "sim/base/check.hpp"
#include "sim/base/parallel.hpp"

namespace volley::cli {
namespace {

constexpr double pj_per_uj = 1e6;
constexpr Index timed_samples = 32;  // one at a time, for the latency

struct Options {
  std::vector<std::string> models;
  RunOptions run;
  std::string profile = "horowitz45-fp32";
  std::string output;
  Format format = Format::table;
};

struct Measured {
  std::string model;
  Index parameters = 0;
  RunSummary summary;
  std::optional<double> accuracy;
  double firing_rate = 0;
  bool spikes = false;
  Cost cost;  // of all samples
  Energy energy;
  double latency_ms = 0;
  std::size_t activation_bytes = 0;  // of one sample, peak, with membranes
};

// Median wall time of one sample, batch 1, nothing recorded.
double median_latency_ms(const Runtime& runtime, const Model& model, const InputData& data,
                         RunSettings settings, Measured& measured) {
  settings.batch = 1;
  const Index end = settings.first + std::min(timed_samples, measured.summary.samples);
  std::vector<double> times;
  Recorder nobody;
  const auto quiet = [](Index, Index) {};
  for (Index sample = settings.first; sample < end; ++sample) {
    RunSettings one = settings;
    one.first = sample;
    one.end = sample + 1;
    const RunSummary summary = run_model(runtime, model, data, one, nobody, quiet);
    times.push_back(summary.seconds * 1e3);
    measured.activation_bytes = summary.activation_bytes + summary.state_bytes;
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

Measured measured(const Runtime& runtime, const std::string& spec, const Options& options,
                  const Profile& profile) {
  const Model model = load_model(runtime, spec, options.run.unfolded ? Folding::keep : Folding::fold);
  const RunSettings settings = settings_of(options.run, runtime);
  const InputData data = open_data(options.run.input, model.graph, options.run);
  const Index end = std::min(settings.end.value_or(data.samples()), data.samples());
  Ledger ledger;
  Collector collector({model.graph.outputs().front().from}, settings.first,
                      std::max<Index>(end - settings.first, 0));
  Recorders both({&ledger, &collector});
  Measured result;
  result.model = model.graph.name;
  result.parameters = model.parameters;
  result.summary = run_model(runtime, model, data, settings, both, progress_on_stderr(spec));
  result.accuracy = accuracy(collector.values().begin()->second, data.labels(), settings.first);
  Index spikes = 0;
  Index places = 0;
  for (const auto& [node, entry] : ledger.nodes()) {
    if (entry.cost().neuron > 0) {
      spikes += entry.spikes_out();
      places += entry.elements_out();
    }
  }
  result.spikes = places > 0;
  result.firing_rate = places > 0 ? static_cast<double>(spikes) / static_cast<double>(places) : 0;
  result.cost = ledger.total();
  result.energy = energy_of(result.cost, profile);
  result.latency_ms = median_latency_ms(runtime, model, data, settings, result);
  return result;
}

Table table_of(const std::vector<Measured>& all) {
  Table table{"models",
              {{"model", "model"},
               {"parameters", "parameters"},
               {"steps", "T"},
               {"accuracy_percent", "accuracy %", 2},
               {"firing_rate", "firing rate", 4},
               {"mac_per_sample", "MAC", 0},
               {"ac_per_sample", "AC", 0},
               {"shift_per_sample", "shifts", 0},
               {"energy_uj_per_sample", "energy uJ", 4},
               {"latency_ms", "latency ms", 3},
               {"activation_bytes", "activation bytes"}},
              {}};
  for (const Measured& one : all) {
    const auto samples = static_cast<double>(one.summary.samples);
    table.rows.push_back(
        {one.model, one.parameters, one.summary.steps, one.accuracy ? Cell(*one.accuracy * 100) : Cell(),
         one.spikes ? Cell(one.firing_rate) : Cell(), static_cast<double>(one.cost.mac) / samples,
         static_cast<double>(one.cost.ac) / samples, static_cast<double>(one.cost.shift) / samples,
         one.energy.picojoules / samples / pj_per_uj, one.latency_ms,
         static_cast<Index>(one.activation_bytes)});
  }
  return table;
}

// "ssa against dense: wins accuracy (+0.28 points), wins energy (0.19 of it), loses time (3.4 of it), ..."
std::string verdict(const Measured& one, const Measured& base) {
  const auto ratio = [](const char* what, double a, double b) {
    return fmt::format("{} {} ({:.2f} times)", a < b ? "wins" : a > b ? "loses" : "ties", what, a / b);
  };
  std::string text = fmt::format("{} against {}: ", one.model, base.model);
  if (one.accuracy && base.accuracy) {
    const double points = (*one.accuracy - *base.accuracy) * 100;
    text += fmt::format("{} accuracy ({:+.2f} points), ",
                        points > 0   ? "wins"
                        : points < 0 ? "loses"
                                     : "ties",
                        points);
  }
  return text + ratio("energy", one.energy.picojoules, base.energy.picojoules) + ", " +
         ratio("latency", one.latency_ms, base.latency_ms) + ", " +
         ratio("activation memory", static_cast<double>(one.activation_bytes),
               static_cast<double>(base.activation_bytes));
}

void compare_command(const Options& options) {
  const Profile profile = find_profile(options.profile);
  const Runtime runtime = make_runtime();
  std::vector<Measured> all;
  for (const std::string& spec : options.models) {
    all.push_back(measured(runtime, spec, options, profile));
  }
  Report report{"volley.compare/1", {}, {}, {}};
  report.facts = {{"input", options.run.input},
                  {"samples", all.front().summary.samples},
                  {"seed", static_cast<Index>(options.run.seed)},
                  {"threads", Index{thread_count()}},
                  {"counting", std::string("executed (one-sided event-driven), per sample")},
                  {"profile", profile.id},
                  {"profile_description", profile.description},
                  {"latency_of", std::string("one sample alone, median, wall time")}};
  report.tables.push_back(table_of(all));
  std::set<std::string> unpriced;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i > 0) {
      report.remarks.push_back(verdict(all[i], all.front()));
    }
    unpriced.insert(all[i].energy.unpriced.begin(), all[i].energy.unpriced.end());
  }
  std::string kinds;
  for (const std::string& kind : unpriced) {
    kinds += (kinds.empty() ? "" : ", ") + kind;
  }
  if (!kinds.empty()) {
    report.remarks.push_back(
        fmt::format("not in the energy, as {} has no price for it: {}", profile.id, kinds));
  }
  print(report, options.format, options.output);
}

}  // namespace

void add_compare(CLI::App& app, Run& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("compare", "hold models side by side; the first one is what others are held to");
  command->add_option("models", options->models, "MODEL MODEL ...: graph files, folders or builders")
      ->required()
      ->expected(1, 64);
  add_run_options(*command, options->run);
  command->add_option("--profile", options->profile, "ID of a profile or a profile file (.txtpb)")
      ->capture_default_str();
  command->add_option("-o,--output", options->output, "FILE.json for the report");
  add_format_option(*command, options->format);
  command->footer(
      "Example: volley compare examples/digits/dense.txtpb examples/digits/bsa.txtpb --input digits");
  command->callback([options, &chosen] { chosen = [options] { compare_command(*options); }; });
}

}  // namespace volley::cli
