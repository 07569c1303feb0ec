// volley inspect: nodes, shapes, kernels and why, what each edge carries.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "cli/html.hpp"
#include "models/families/families.hpp"
#include "models/lints.hpp"
#include "models/number_rules.hpp"
#include "sim/base/check.hpp"
#include "sim/io/graph_proto.hpp"
#include "sim/measure/firing_counts.hpp"

namespace volley::cli {
namespace {

struct Options {
  std::string model;
  Index steps = 4;
  Index batch = 1;
  bool unfolded = false;
  std::string weights = "f32";
  bool dot = false;
  bool domains = false;
  std::string input;
  std::string samples;
  std::string html;
  std::string op;
  Format format = Format::table;
};

std::string joined(const std::vector<std::string>& parts, const char* between) {
  std::string all;
  for (const std::string& part : parts) {
    all += (all.empty() ? "" : between) + part;
  }
  return all;
}

Table nodes_of(const Plan& plan) {
  Table table{"nodes",
              {{"node", "node"},
               {"op", "op"},
               {"reads", "reads"},
               {"domain", "carries"},
               {"shape", "shape"},
               {"there", "there"},
               {"kernel", "kernel"},
               {"refusals", "other kernels refused"},
               {"passed_when_silent", "passed when silent"},
               {"dense_mac", "dense mac"}},
              {}};
  for (const PlannedNode& node : plan.nodes()) {
    std::vector<std::string> reads;
    for (const InEdge& edge : node.in) {
      reads.push_back(plan.graph().port_name(edge.from) +
                      (edge.delay > 0 ? fmt::format("@-{}", edge.delay) : ""));
    }
    table.rows.push_back(
        {node.name, std::string(node.op->kind()), joined(reads, ", "), domain(node.out[0].spec),
         text(node.out[0].spec.shape), std::string(name(node.domain)),
         std::string(node.kernel != nullptr ? node.kernel->name : "-"), joined(node.refusals, "; "),
         std::string(node.may_be_passed ? "yes" : "-"), plan.dense_mac(node)});
  }
  return table;
}

void describe_op(const std::string& kind, Format format) {
  const Runtime runtime = make_runtime();
  VOLLEY_CHECK(runtime.registry.has(kind), Fault::usage, "no op is named '{}', did you mean '{}'? All: {}",
               kind, runtime.registry.nearest(kind), joined(runtime.registry.kinds(), ", "));
  const auto op = runtime.registry.make(kind);
  Report report{"volley.op/1", {{"op", kind}}, {}, {}};
  Table attributes{"attributes", {{"name", "attribute"}, {"default", "default"}, {"doc", "what it is"}}, {}};
  for (const ParamDoc& doc : document_params(*op)) {
    attributes.rows.push_back({doc.name, doc.standard, doc.doc});
  }
  Table weights{"weights", {{"slot", "weight"}, {"need", "need"}}, {}};
  for (const WeightSlot& slot : op->weight_slots()) {
    weights.rows.push_back(
        {std::string(slot.name), std::string(slot.need == Need::required ? "required" : "optional")});
  }
  Table kernels{"kernels", {{"kernel", "kernel"}, {"device", "device"}, {"exactness", "exactness"}}, {}};
  for (const Kernel& kernel : runtime.kernels.all(kind)) {
    kernels.rows.push_back({std::string(kernel.name), std::string(name(kernel.device)),
                            std::string(kernel.exactness == Exactness::bits ? "same bits" : "tolerance")});
  }
  report.tables = {std::move(attributes), std::move(weights), std::move(kernels)};
  print(report, format);
}

Table edges_of(const Graph& graph, Index steps) {
  Table table{"edges",
              {{"from", "from"},
               {"to", "to"},
               {"slot", "slot"},
               {"kind", "numbers"},
               {"domain", "proven"},
               {"least", "least", 4},
               {"greatest", "greatest", 4},
               {"multiple_of", "multiple of", 6}},
              {}};
  const auto sets = infer_numbers(graph, number_rules(), steps);
  const auto bound = [](double number) { return std::isfinite(number) ? Cell(number) : Cell(); };
  const auto add_edge = [&](const InEdge& edge, const std::string& to, Cell slot) {
    const NumberSet set = numbers_on(edge, sets);
    table.rows.push_back({graph.port_name(edge.from), to, std::move(slot), std::string(name(set.kind())),
                          text(set), bound(set.least), bound(set.greatest),
                          set.step == 0 ? Cell() : Cell(set.step)});
  };
  for (const NodeId node : graph.order()) {
    const auto edges = graph.in_edges(node);
    for (std::size_t slot = 0; slot < edges.size(); ++slot) {
      add_edge(edges[slot], graph.node_name(node), static_cast<Index>(slot));
    }
  }
  for (const GraphOutput& output : graph.outputs()) {
    add_edge({output.from, 0, std::nullopt}, output.name, {});
  }
  return table;
}

Table lints_of(const std::vector<Lint>& lints) {
  Table table{"lints", {{"lint", "lint"}, {"node", "node"}, {"finding", "finding"}}, {}};
  for (const Lint& lint : lints) {
    table.rows.push_back({lint.code, lint.node, lint.finding});
  }
  return table;
}

// Who never fires and who nearly always does, from a run over DATA.
Table firing_of(const Options& options, Report& report) {
  RunOptions run;
  run.input = options.input;
  run.samples = options.samples;
  run.unfolded = options.unfolded;
  Session session = open_session(options.model, run);
  const Graph& graph = session.model.graph;
  if (!session.data.steps()) {
    session.settings.steps = options.steps;
  }
  session.settings.order = graph.loop().empty() ? Order::layered : Order::stepped;
  std::set<Port> neurons;
  for (const NodeId node : graph.order()) {
    if (graph.op(node).kind().starts_with("neuron.")) {
      neurons.insert({node, 0});
    }
  }
  FiringCounts counts(neurons);
  const RunSummary summary = run_model(session.runtime, session.model, session.data, session.settings, counts,
                                       progress_on_stderr("inspect"));
  report.facts.push_back({"input", options.input});
  report.facts.push_back({"samples", summary.samples});
  report.facts.push_back({"steps_of_input", summary.steps});
  Table table{"firing",
              {{"node", "node"},
               {"neurons", "neurons"},
               {"dead", "dead"},
               {"saturated", "saturated"},
               {"firing_rate", "rate", 4},
               {"greatest_rate", "greatest rate", 4}},
              {}};
  for (const auto& [port, entry] : counts.entries()) {
    const auto neuron_count = static_cast<Index>(entry.fired.size());
    const auto chances = static_cast<double>(entry.chances);
    const Index all = std::accumulate(entry.fired.begin(), entry.fired.end(), Index{0});
    const Index most = entry.fired.empty() ? 0 : *std::max_element(entry.fired.begin(), entry.fired.end());
    table.rows.push_back(
        {graph.node_name(port.node), neuron_count, entry.dead(), entry.saturated(),
         static_cast<double>(all) / (chances * static_cast<double>(std::max<Index>(neuron_count, 1))),
         static_cast<double>(most) / chances});
  }
  return table;
}

void inspect_command(const Options& options) {
  if (!options.op.empty()) {
    describe_op(options.op, options.format);
    return;
  }
  VOLLEY_CHECK(!options.model.empty(), Fault::usage, "inspect needs a MODEL or --op KIND");
  const Runtime runtime = make_runtime();
  Model model = load_model(runtime, options.model, options.unfolded ? Folding::keep : Folding::fold);
  if (options.weights == "i8") {
    round_model(model);
  }
  if (options.dot) {
    std::fputs(model.graph.dot().c_str(), stdout);
    return;
  }
  RunSettings settings;
  settings.order = model.graph.loop().empty() ? Order::layered : Order::stepped;
  const Index steps = has_steps(model.graph) ? options.steps : 1;
  const Plan plan = make_plan(runtime, model, settings, steps, options.batch, false);
  Report report{"volley.inspect/1", {}, {}, model.notes};
  report.facts = {{"model", options.model},
                  {"steps", steps},
                  {"batch", options.batch},
                  {"parameters", model.parameters},
                  {"activation_bytes", static_cast<Index>(plan.arena_bytes())},
                  {"state_bytes", static_cast<Index>(plan.state_bytes())},
                  {"weight_bytes", static_cast<Index>(plan.weight_bytes())}};
  report.tables.push_back(nodes_of(plan));
  if (options.domains) {
    report.tables.push_back(edges_of(model.graph, steps));
  }
  std::vector<Lint> lints = find_lints(runtime, model.graph, steps);
  if (!is_family_spec(options.model)) {
    const auto quirks = quirk_lints(read_metadata_of(options.model, model.description));
    lints.insert(lints.end(), quirks.begin(), quirks.end());
  }
  report.tables.push_back(lints_of(lints));
  if (!options.input.empty()) {
    report.tables.push_back(firing_of(options, report));
  }
  write_html(options.html, report, fmt::format("{}: {} findings", model.graph.name, lints.size()));
  print(report, options.format);
}

}  // namespace

void add_inspect(CLI::App& app, Run& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("inspect", "show nodes, shapes, kernels and what each edge carries");
  command->add_option("model", options->model,
                      "MODEL: a graph file, a folder, or FAMILY:KEY=VALUE,... (see build)");
  command->add_option("-T,--steps", options->steps, "time steps")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--batch", options->batch, "samples in one go")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_flag("--unfolded", options->unfolded, "keep batch norms as nodes of their own");
  add_weights_option(*command, options->weights);
  command->add_flag("--domains", options->domains,
                    "which numbers each edge can carry, proven from the graph");
  command->add_option("-i,--input", options->input,
                      "DATA: run it, and tell which neurons are dead or saturated");
  command->add_option("--html", options->html, "FILE.html: the report as one page that needs no network");
  command->add_option("--samples", options->samples, "range a:b of samples for --input (default: all)");
  command->add_flag("--dot", options->dot, "print the graph for graphviz");
  command->add_option("--op", options->op, "instead: attributes, weights and kernels of this op");
  add_format_option(*command, options->format);
  command->footer("Example: volley inspect examples/digits/bsa.txtpb --dot | dot -Tsvg -o bsa.svg");
  command->callback([options, &chosen] { chosen = [options] { inspect_command(*options); }; });
}

}  // namespace volley::cli
