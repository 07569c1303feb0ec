// volley inspect: nodes, shapes, kernels and why, what each edge carries.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "cli/command.hpp"
#include "sim/base/check.hpp"

namespace volley::cli {
namespace {

struct Options {
  std::string model;
  Index steps = 4;
  Index batch = 1;
  bool unfolded = false;
  bool dot = false;
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
               {"dense_mac", "dense mac"}},
              {}};
  for (const PlannedNode& node : plan.nodes()) {
    std::vector<std::string> reads;
    for (const InEdge& edge : node.in) {
      reads.push_back(plan.graph().port_name(edge.from) +
                      (edge.delay > 0 ? fmt::format("@-{}", edge.delay) : ""));
    }
    table.rows.push_back({node.name, std::string(node.op->kind()), joined(reads, ", "),
                          domain(node.out[0].spec), text(node.out[0].spec.shape),
                          std::string(name(node.domain)),
                          std::string(node.kernel != nullptr ? node.kernel->name : "-"),
                          joined(node.refusals, "; "), plan.dense_mac(node)});
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

void inspect_command(const Options& options) {
  if (!options.op.empty()) {
    describe_op(options.op, options.format);
    return;
  }
  VOLLEY_CHECK(!options.model.empty(), Fault::usage, "inspect needs a MODEL or --op KIND");
  const Runtime runtime = make_runtime();
  const Model model = load_model(runtime, options.model, options.unfolded ? Folding::keep : Folding::fold);
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
  print(report, options.format);
}

}  // namespace

void add_inspect(CLI::App& app, Run& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("inspect", "show nodes, shapes, kernels and what each edge carries");
  command->add_option("model", options->model,
                      "MODEL: a graph file, a folder, or spikformer:dim=384,depth=4,...");
  command->add_option("-T,--steps", options->steps, "time steps")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--batch", options->batch, "samples in one go")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_flag("--unfolded", options->unfolded, "keep batch norms as nodes of their own");
  command->add_flag("--dot", options->dot, "print the graph for graphviz");
  command->add_option("--op", options->op, "instead: attributes, weights and kernels of this op");
  add_format_option(*command, options->format);
  command->footer("Example: volley inspect examples/digits/bsa.txtpb --dot | dot -Tsvg -o bsa.svg");
  command->callback([options, &chosen] { chosen = [options] { inspect_command(*options); }; });
}

}  // namespace volley::cli
