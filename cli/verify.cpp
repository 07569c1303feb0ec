// volley verify: spikes and outputs against what another framework recorded.
#include <CLI/CLI.hpp>

#include "cli/command.hpp"
#include "models/exchange/verify.hpp"
#include "sim/base/check.hpp"

namespace volley::cli {
namespace {

struct Options {
  std::string model, golden;
  VerifySettings settings;
  Layouts layouts = Layouts::automatic;
  std::optional<Index> steps;
  bool unfolded = false;
  Format format = Format::table;
};

Cell cell_of(const std::optional<float>& number) {
  return number ? Cell(static_cast<double>(*number)) : Cell();
}

Table table_of(const Verification& result, bool node_by_node) {
  Table table{"nodes",
              {{"node", "node"},
               {"compared", "compared"},
               {"differing", "differ"},
               {"flip_rate", "flip rate", 6},
               {"ties", "near ties"},
               {"largest_error", "largest error", 7},
               {"step", "first: step"},
               {"sample", "sample"},
               {"neuron", "neuron"},
               {"place", "place"},
               {"got", "got", 4},
               {"wanted", "wanted", 4},
               {"threshold_distance", "|v - threshold|", 7},
               {"not_judged", "not judged"}},
              {}};
  for (const NodeVerdict& node : result.nodes) {
    const bool is_judged = node.not_judged.empty();
    std::vector<Cell> row{node.node, node.compared, node.differing};
    row.push_back(node.is_spiking && is_judged
                      ? Cell(static_cast<double>(node.differing) / static_cast<double>(node.compared))
                      : Cell());
    row.push_back(node_by_node && node.is_spiking ? Cell(node.ties) : Cell());
    row.push_back(is_judged ? Cell(static_cast<double>(node.largest_error)) : Cell());
    if (node.first) {
      row.insert(row.end(), {node.first->step, node.first->sample, node.first->neuron, node.first->place,
                             static_cast<double>(node.first->got), static_cast<double>(node.first->wanted),
                             cell_of(node.first->margin)});
    } else {
      row.insert(row.end(), 7, Cell());
    }
    row.push_back(is_judged ? Cell() : Cell(node.not_judged));
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string sentence_of(const Verification& result) {
  if (result.judged == 0) {
    return "nothing could be judged";
  }
  const NodeVerdict* const node = result.first();
  if (node == nullptr) {
    return "nothing differs";
  }
  const Mismatch& first = *node->first;
  return fmt::format("first mismatch: step {}, node '{}', sample {}, neuron {} ({}): {:g}, recorded {:g}{}",
                     first.step, node->node, first.sample, first.neuron, first.place, first.got, first.wanted,
                     first.margin ? fmt::format(", |v - threshold| {:g}", *first.margin) : "");
}

void verify_command(const Options& options) {
  VOLLEY_CHECK(options.settings.node_by_node || !options.settings.allow_ties, Fault::usage,
               "--allow-ties needs --node-by-node: in a free run one tie makes other differences");
  const Runtime runtime = make_runtime();
  const Model model = load_model(runtime, options.model, options.unfolded ? Folding::keep : Folding::fold);
  const Golden golden = read_golden(options.golden, runtime, model, options.layouts, options.steps);
  const Verification result = verify(runtime, model, golden, options.settings);
  Report report{"volley.verify/1", {}, {}, {sentence_of(result)}};
  report.facts = {{"model", options.model},
                  {"golden", options.golden},
                  {"mode", options.settings.node_by_node ? "node by node" : "free run"},
                  {"samples", golden.data.samples()},
                  {"steps", golden.steps},
                  {"tolerance", static_cast<double>(options.settings.tolerance)},
                  {"verdict", result.passes ? "passes" : "fails"}};
  report.tables.push_back(table_of(result, options.settings.node_by_node));
  print(report, options.format);
  VOLLEY_CHECK(result.passes, Fault::comparison, "{} is not as recorded in {}: {}", options.model,
               options.golden, sentence_of(result));
}

}  // namespace

void add_verify(CLI::App& app, Run& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("verify", "hold a model to what another framework recorded");
  command
      ->add_option("model", options->model,
                   "MODEL: a graph file, a folder, or FAMILY:KEY=VALUE,... (see build)")
      ->required();
  command
      ->add_option("-g,--golden", options->golden,
                   "FILE.npz: the inputs by name, node/NAME[@AXES] and output/NAME (see python/record.py)")
      ->required();
  command->add_option("--tolerance", options->settings.tolerance, "largest difference of real numbers")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_flag("--node-by-node", options->settings.node_by_node,
                    "feed each node what was recorded, so that only first differences remain");
  command->add_flag("--allow-ties", options->settings.allow_ties,
                    "node by node: neurons closer than 1e-5 to their threshold may differ");
  const std::map<std::string, Layouts> words{
      {"auto", Layouts::automatic}, {"as-is", Layouts::as_is}, {"channels-first", Layouts::channels_first}};
  command->add_option("--layouts", options->layouts, "order of axes where the name has no @AXES")
      ->transform(CLI::CheckedTransformer(words))
      ->default_str("auto")
      ->option_text("auto | as-is | channels-first [auto]");
  command->add_option("-T,--steps", options->steps, "time steps (default: those of the file)");
  command->add_option("--batch", options->settings.batch, "samples in one go, of a free run")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_flag("--unfolded", options->unfolded,
                    "keep batch norms as nodes: for recordings of layers before them");
  add_format_option(*command, options->format);
  command->footer("Example: volley verify mixer.txtpb --golden mixer.npz --node-by-node");
  command->callback([options, &chosen] { chosen = [options] { verify_command(*options); }; });
}

}  // namespace volley::cli
