// volley compare: models side by side on the same data, and who wins.
#include <CLI/CLI.hpp>
#include <algorithm>

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
  std::optional<double> firing_rate;  // of all neurons; none without neurons
  Cost cost;                          // of all samples
  Energy energy;
  RunSummary alone;       // of one sample alone: memory
  double latency_ms = 0;  // of one sample alone, median
};

std::optional<double> firing_rate(const Ledger& ledger) {
  Index spikes = 0;
  Index places = 0;
  for (const auto& [node, entry] : ledger.nodes()) {
    if (entry.cost().neuron > 0) {
      spikes += entry.spikes_out();
      places += entry.elements_out();
    }
  }
  return places > 0 ? std::optional(static_cast<double>(spikes) / static_cast<double>(places)) : std::nullopt;
}

// Wall time of one sample at a time, nothing recorded.
void time_alone(const Session& session, Measured& result) {
  RunSettings one = session.settings;
  one.batch = 1;
  const Index end = session.settings.first + std::min(timed_samples, session.samples());
  std::vector<double> times;
  Recorder nobody;
  for (; one.first < end; ++one.first) {
    one.end = one.first + 1;
    result.alone = run_model(session.runtime, session.model, session.data, one, nobody, [](Index, Index) {});
    times.push_back(result.alone.seconds * 1e3);
  }
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  result.latency_ms = *middle;
}

Measured measured(const std::string& spec, const RunOptions& options, const Profile& profile) {
  const Session session = open_session(spec, options);
  const Port logits = session.model.graph.outputs().front().from;
  Ledger ledger;
  Collector collector({logits}, session.settings.first, session.samples());
  Recorders both({&ledger, &collector});
  Measured result;
  result.model = session.model.graph.name;
  result.parameters = session.model.parameters;
  result.summary = run_model(session.runtime, session.model, session.data, session.settings, both,
                             progress_on_stderr(spec));
  result.accuracy = accuracy(collector.values().at(logits), session.data.labels(), session.settings.first);
  result.firing_rate = firing_rate(ledger);
  result.cost = ledger.total();
  result.energy = energy_of(result.cost, profile);
  time_alone(session, result);
  return result;
}

Cell cell_of(const std::optional<double>& number) {
  return number ? Cell(*number) : Cell();
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
               {"activation_bytes", "activations B"},
               {"state_bytes", "membranes B"}},
              {}};
  for (const Measured& one : all) {
    const auto samples = static_cast<double>(one.summary.samples);
    table.rows.push_back(
        {one.model, one.parameters, one.summary.steps, one.accuracy ? Cell(*one.accuracy * 100) : Cell(),
         cell_of(one.firing_rate), static_cast<double>(one.cost.mac) / samples,
         static_cast<double>(one.cost.ac) / samples, static_cast<double>(one.cost.shift) / samples,
         one.energy.picojoules / samples / pj_per_uj, one.latency_ms,
         static_cast<Index>(one.alone.activation_bytes), static_cast<Index>(one.alone.state_bytes)});
  }
  return table;
}

// "ssa against dense: accuracy -0.56 points (loses), energy 0.15x (wins), latency 0.85x (wins), memory 5.86x
// (loses)"
std::string verdict(const Measured& one, const Measured& base) {
  const auto word = [](double less_is_better) {
    return less_is_better < 0 ? "wins" : less_is_better > 0 ? "loses" : "ties";
  };
  const auto ratio = [&](const char* what, double a, double b) {
    return fmt::format("{} {:.2f}x ({})", what, a / b, word(a - b));
  };
  const auto memory = [](const Measured& of) {
    return static_cast<double>(of.alone.activation_bytes + of.alone.state_bytes);
  };
  std::string text = fmt::format("{} against {}: ", one.model, base.model);
  if (one.accuracy && base.accuracy) {
    const double points = (*one.accuracy - *base.accuracy) * 100;
    text += fmt::format("accuracy {:+.2f} points ({}), ", points, word(-points));
  }
  return text + ratio("energy", one.energy.picojoules, base.energy.picojoules) + ", " +
         ratio("latency", one.latency_ms, base.latency_ms) + ", " +
         ratio("memory", memory(one), memory(base));
}

void compare_command(const Options& options) {
  const Profile profile = find_profile(options.profile);
  std::vector<Measured> all;
  for (const std::string& spec : options.models) {
    all.push_back(measured(spec, options.run, profile));
  }
  Report report{"volley.compare/1", {}, {}, {}};
  report.facts = {{"input", options.run.input},
                  {"samples", all.front().summary.samples},
                  {"seed", options.run.seed},
                  {"threads", Index{thread_count()}},
                  {"executor", options.run.executor},
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
