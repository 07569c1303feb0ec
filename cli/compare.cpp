// volley compare: models side by side on the same data, and who wins.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>

#include "cli/compare_report.hpp"
#include "cli/html.hpp"
#include "models/quantised_twin.hpp"
#include "sim/base/check.hpp"
#include "sim/base/parallel.hpp"
#include "sim/measure/memory_energy.hpp"
#include "sim/ops/quantise.hpp"

namespace volley::cli {
namespace {

constexpr Index timed_samples = 32;        // one at a time, for the latency
constexpr Index calibration_samples = 64;  // for the scales of quantised twins
constexpr double twin_weight_bits = 8;

struct Options {
  std::vector<std::string> models;
  RunOptions run;
  std::vector<std::string> profiles{"horowitz45-fp32"};
  std::vector<std::string> against;
  std::vector<std::string> fail_if;
  bool over_steps = false;
  std::string output;
  std::string html;
  Format format = Format::table;
};

// A quantised twin to be made. bits: of activations; nothing: as many as the steps of the spiking models say.
struct TwinSpec {
  std::optional<Index> bits;
};

TwinSpec parse_twin(const std::string& text) {
  if (text == "int8") {
    return {8};
  }
  if (text == "qnn") {
    return {};
  }
  constexpr std::string_view prefix = "qnn:";
  Index bits = 0;
  const char* end = text.data() + text.size();
  const bool is_qnn = text.starts_with(prefix);
  const auto [stop, error] = std::from_chars(is_qnn ? text.data() + prefix.size() : end, end, bits);
  VOLLEY_CHECK(is_qnn && error == std::errc() && stop == end && bits >= 2 && bits <= 8, Fault::usage,
               "--against is '{}', wanted int8, qnn or qnn:BITS with 2 to 8 bits", text);
  return {bits};
}

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

// Ledger and output of one run over all samples.
struct FullRun {
  Ledger ledger;
  Tensor logits;
  RunSummary summary;
};

FullRun run_fully(const Session& session, const std::string& what) {
  const Port port = session.model.graph.outputs().front().from;
  FullRun run;
  Collector collector({port}, session.settings.first, session.samples());
  Recorders both({&run.ledger, &collector});
  run.summary = run_model(session.runtime, session.model, session.data, session.settings, both,
                          progress_on_stderr(what));
  run.logits = collector.values().at(port);
  return run;
}

// Bytes moved, priced. Of a twin (bits: of its activations) the products read weights of 8 bits and values of
// `bits`, and rounding moves nothing, as it is done where a value is written; all else is float32.
double memory_picojoules(const Session& session, const Ledger& ledger, Index steps, const Profile& profile,
                         std::optional<Index> bits) {
  constexpr double float_bits = 32;
  Picojoules sum;
  const Plan plan = make_plan(session.runtime, session.model, session.settings, steps, 1, false);
  for (const PlannedNode& node : plan.nodes()) {
    const auto entry = ledger.nodes().find(node.id);
    if (entry == ledger.nodes().end() || node.op->kind() == Quantise::op_kind) {
      continue;
    }
    Traffic traffic = traffic_of(entry->second, *node.op, node.in_specs);
    if (bits && is_quantised_op(node.op->kind())) {
      traffic.weights_fetched = traffic.weights_fetched * (twin_weight_bits / float_bits);
      traffic.weights_held = traffic.weights_held * (twin_weight_bits / float_bits);
      traffic.numbers_read = traffic.numbers_read * (static_cast<double>(*bits) / float_bits);
    }
    const MemoryEnergy energy = memory_inclusive_energy(entry->second.cost(), traffic, profile);
    sum += energy.total() - energy.compute;
  }
  return sum.count();
}

Measured measured(const Session& session, const std::string& what, const Profile& memory,
                  std::optional<Index> bits = {}) {
  const FullRun run = run_fully(session, what);
  Measured result;
  result.name = session.model.graph.name;
  result.parameters = session.model.parameters;
  result.summary = run.summary;
  result.accuracy = accuracy(run.logits, session.data.labels(), session.settings.first);
  result.firing_rate = firing_rate(run.ledger);
  result.cost = run.ledger.total();
  for (const auto& [node, entry] : run.ledger.nodes()) {
    if (is_quantised_op(session.model.graph.op(node).kind())) {
      result.integer_cost += entry.cost();
    }
  }
  result.bits = bits;
  result.memory_picojoules = memory_picojoules(session, run.ledger, run.summary.steps, memory, bits);
  return result;
}

// Another model with the same inputs; the data refers to the graph, so it is opened again.
void put_model(Session& session, const BuiltModel& built, const RunOptions& options) {
  session.model = make_model(session.runtime, built, options.unfolded ? Folding::keep : Folding::fold);
  session.data = open_data(options.input, session.model.graph, options);
}

// All T' <= T from one run of the model with early readout.
void run_over_steps(Session session, const RunOptions& options, const std::string& spec, Measured& result) {
  const BuiltModel early = early_readout(read_model(spec), session.runtime.registry);
  put_model(session, early, options);
  const FullRun run = run_fully(session, spec + " over steps");
  result.shorter = shorter_runs(session.model.graph, run.ledger, run.summary.steps);
  for (Index t = 0; t < run.summary.steps; ++t) {
    const auto right = accuracy(run.logits.steps(t, 1), session.data.labels(), session.settings.first);
    if (right) {
      result.shorter_accuracy.push_back(*right);
    }
  }
}

Measured measured_twin(const std::string& spec, const RunOptions& options, const Profile& memory,
                       Index bits) {
  Session session = open_session(spec, options);
  RunSettings calibration = session.settings;
  calibration.end = calibration.first + std::min(calibration_samples, session.samples());
  QuantiseOptions quantise;
  quantise.activation_bits = bits;
  const BuiltModel twin =
      quantised_twin(session.runtime, read_model(spec), session.data, calibration, quantise);
  put_model(session, twin, options);
  return measured(session, twin.description.name, memory, bits);
}

void add_twins(const Options& options, const std::vector<TwinSpec>& specs, Comparison& comparison) {
  const auto dense = std::find_if(comparison.given.begin(), comparison.given.end(),
                                  [](const Measured& one) { return !one.firing_rate; });
  VOLLEY_CHECK(specs.empty() || dense != comparison.given.end(), Fault::usage,
               "--against needs a dense model, but all models spike");
  std::optional<Index> steps;
  for (const Measured& one : comparison.given) {
    if (one.firing_rate) {
      steps = std::max(steps.value_or(1), one.summary.steps);
    }
  }
  for (const TwinSpec& twin : specs) {
    VOLLEY_CHECK(twin.bits || steps, Fault::usage,
                 "--against qnn takes its bits from the steps of a spiking model, but there is none; say "
                 "qnn:BITS");
    const auto index = static_cast<std::size_t>(dense - comparison.given.begin());
    comparison.twins.push_back(measured_twin(options.models[index], options.run, comparison.memory.profile,
                                             twin.bits ? *twin.bits : capacity_bits(*steps)));
  }
}

// Throws Error (comparison) with all that was got and wanted.
void check_conditions(const std::vector<Condition>& conditions, const Comparison& comparison) {
  const Prices& prices = comparison.prices.front();
  const Contender first = comparison.contender(comparison.given.front(), prices);
  std::string all;
  for (const Condition& condition : conditions) {
    for (std::size_t i = comparison.given.size() > 1 ? 1 : 0; i < comparison.given.size(); ++i) {
      if (const auto text = broken(condition, comparison.contender(comparison.given[i], prices), first)) {
        all += (all.empty() ? "" : "; ") + *text;
      }
    }
  }
  VOLLEY_CHECK(all.empty(), Fault::comparison, "{}", all);
}

void add_facts(const Options& options, const Comparison& comparison, Report& report) {
  const Profile& profile = comparison.prices.front().profile;
  report.facts = {{"input", options.run.input},
                  {"samples", comparison.given.front().summary.samples},
                  {"seed", options.run.seed},
                  {"threads", Index{thread_count()}},
                  {"executor", options.run.executor},
                  {"counting", std::string("executed (one-sided event-driven), per sample")},
                  {"profile", profile.id},
                  {"profile_description", profile.description},
                  {"energy_of", std::string("compute only: no memory, no network, no static power")},
                  {"energy_with_memory_of", comparison.memory.profile.id},
                  {"latency_of", std::string("one sample alone, median, wall time")}};
  if (!comparison.twins.empty()) {
    report.facts.push_back({"twins_calibrated_on_samples",
                            std::min(calibration_samples, comparison.given.front().summary.samples)});
  }
}

// Can it price the buffers that the energy with memory stands on?
bool has_memory(const Profile& profile) {
  const Hierarchy buffers;
  return profile.sram && profile.dram && !profile.sram->points.empty() &&
         profile.sram->points.front().size <= buffers.state &&
         profile.sram->points.back().size >= buffers.weights;
}

void compare_command(const Options& options) {
  std::vector<Condition> conditions;
  for (const std::string& text : options.fail_if) {
    conditions.push_back(parse_condition(text));
  }
  std::vector<TwinSpec> twins;
  for (const std::string& text : options.against) {
    twins.push_back(parse_twin(text));
  }
  const Twins any_twins = twins.empty() ? Twins::none : Twins::some;
  Comparison comparison;
  for (const std::string& id : options.profiles) {
    comparison.prices.push_back(prices_of(find_profile(id), any_twins));
  }
  const Profile& first = comparison.prices.front().profile;
  comparison.memory = prices_of(has_memory(first) ? first : find_profile("horowitz45-memory"), any_twins);
  for (const std::string& spec : options.models) {
    Session session = open_session(spec, options.run);
    Measured one = measured(session, spec, comparison.memory.profile);
    time_alone(session, one);
    if (options.over_steps && one.firing_rate) {
      run_over_steps(std::move(session), options.run, spec, one);
    }
    comparison.given.push_back(std::move(one));
  }
  add_twins(options, twins, comparison);
  Report report = report_of(comparison);
  add_facts(options, comparison, report);
  write_html(options.html, report, report.remarks.empty() ? report.schema : report.remarks.front());
  print(report, options.format, options.output);
  check_conditions(conditions, comparison);
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
  command
      ->add_option("--against", options->against,
                   "int8 | qnn[:BITS]: a quantised twin of the first dense model, run too; may be repeated")
      ->expected(1)
      ->take_all();
  command
      ->add_option(
          "--profile", options->profiles,
          "ID of a profile or a profile file (.txtpb); may be repeated, the first is for the verdicts")
      ->expected(1)
      ->take_all()
      ->capture_default_str();
  command->add_flag("--over-steps", options->over_steps,
                    "spiking models after each step, from one run with early readout");
  command
      ->add_option(
          "--fail-if", options->fail_if,
          "exit 4 if it holds for a model but the first: accuracy<97, accuracy_loss>1, energy>1.0, ...")
      ->expected(1)
      ->take_all();
  command->add_option("-o,--output", options->output, "FILE.json for the report");
  command->add_option("--html", options->html, "FILE.html: the report as one page that needs no network");
  add_format_option(*command, options->format);
  command->footer(
      "Example: volley compare examples/digits/dense.txtpb examples/digits/bsa.txtpb --input digits "
      "--against "
      "int8 --against qnn --over-steps");
  command->callback([options, &chosen] { chosen = [options] { compare_command(*options); }; });
}

}  // namespace volley::cli
