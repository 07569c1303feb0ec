// volley analyze fidelity: how near spiking attention comes to softmax.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>

#include "analysis/map_distance.hpp"
#include "analysis/picture.hpp"
#include "cli/analyze_layers.hpp"
#include "cli/fidelity_maps.hpp"
#include "sim/base/check.hpp"
#include "sim/io/npz.hpp"

namespace volley::cli {
namespace {

struct FidelityOptions {
  MapOptions source;
  std::optional<Index> heads;
  std::optional<double> threshold;
  Index repeat = 4;
  Index chunk = 2;
  double floor = 0.01;
  bool histograms = false;
  std::string picture;
  Format format = Format::table;
};

// Where the current of an input of attention stands: in front of its neuron and of conversions.
Port current_port(const Graph& graph, Port from, std::string& neuron) {
  while (!graph.in_edges(from.node).empty()) {
    const std::string_view kind = graph.op(from.node).kind();
    if (kind.starts_with("neuron.")) {
      neuron = graph.node_name(from.node);
      return graph.in_edges(from.node)[0].from;
    }
    if (!kind.starts_with("convert.")) {
      break;
    }
    from = graph.in_edges(from.node)[0].from;
  }
  return from;
}

double number_of(const Description& description, const std::string& node, const std::string& attribute,
                 double otherwise) {
  for (const NodeDescription& each : description.nodes) {
    const auto at = each.attributes.find(attribute);
    if (each.name == node && at != each.attributes.end() && std::holds_alternative<double>(at->second)) {
      return std::get<double>(at->second);
    }
  }
  return otherwise;
}

// A current without steps comes again in each.
void repeat_steps(Currents& currents, Index steps) {
  if (currents.steps > 1) {
    return;
  }
  for (std::vector<float>* side : {&currents.q, &currents.k}) {
    const std::vector<float> one = *side;
    for (Index t = 1; t < steps; ++t) {
      side->insert(side->end(), one.begin(), one.end());
    }
  }
  currents.steps = steps;
}

struct LayerPorts {
  NodeId node;
  Port q, k;
  std::string neuron;  // of q; empty: none
};

std::vector<LayerPorts> layers_of(const Graph& graph, const MapOptions& options) {
  std::vector<LayerPorts> layers;
  std::string list;
  for (const Port port : score_ports(graph)) {
    const auto in = graph.in_edges(port.node);
    LayerPorts layer{port.node, {}, {}, {}};
    std::string neuron_of_k;
    layer.q = current_port(graph, in[0].from, layer.neuron);
    layer.k = current_port(graph, in[1].from, neuron_of_k);
    list += (list.empty() ? "" : ", ") + graph.node_name(port.node);
    layers.push_back(layer);
  }
  VOLLEY_CHECK(!layers.empty(), Fault::model, "{}: no attention node has q, k and a score", options.source);
  for (const std::string& name : options.layers) {
    VOLLEY_CHECK(
        std::ranges::any_of(layers, [&](const LayerPorts& l) { return graph.node_name(l.node) == name; }),
        Fault::usage, "'{}' of {} has no q, k and score; those that have: {}", name, options.source, list);
  }
  std::erase_if(layers, [&](const LayerPorts& l) {
    return !options.layers.empty() &&
           std::ranges::find(options.layers, graph.node_name(l.node)) == options.layers.end();
  });
  return layers;
}

std::vector<Currents> currents_of_model(const FidelityOptions& options) {
  const MapOptions& source = options.source;
  VOLLEY_CHECK(!source.run.input.empty(), Fault::usage, "{}: a model needs --input DATA", source.source);
  Session session = open_session(source.source, source.run);
  const Graph& graph = session.model.graph;
  const auto layers = layers_of(graph, source);
  for (const LayerPorts& layer : layers) {
    session.settings.recorded.insert({layer.q, layer.k});
  }
  Collector collector(session.settings.recorded, session.settings.first, session.samples());
  run_model(session.runtime, session.model, session.data, session.settings, collector,
            progress_on_stderr("run"));
  std::vector<Currents> all;
  for (const LayerPorts& layer : layers) {
    const Tensor& q = collector.values().at(layer.q);
    const Tensor& k = collector.values().at(layer.k);
    const std::string& name = graph.node_name(layer.node);
    VOLLEY_CHECK(q.shape() == k.shape(), Fault::model, "'{}': q is {} and k is {}, wanted one shape", name,
                 text(q.shape()), text(k.shape()));
    const Description& description = session.model.description;
    Currents currents{
        name, q.shape()[Axis::T],     q.shape()[Axis::B],    q.shape()[Axis::N], q.shape()[Axis::C], 1,
        1,    as_floats(array_of(q)), as_floats(array_of(k))};
    currents.heads = options.heads.value_or(static_cast<Index>(number_of(description, name, "heads", 1)));
    currents.threshold = options.threshold.value_or(number_of(description, layer.neuron, "threshold", 1));
    repeat_steps(currents, options.repeat);
    all.push_back(std::move(currents));
  }
  return all;
}

std::vector<Currents> currents_of_file(const FidelityOptions& options) {
  const std::string& path = options.source.source;
  VOLLEY_CHECK(options.heads.has_value(), Fault::usage, "{}: currents of a file need --heads", path);
  const NpzFile file(path);
  const Array q = file.read("q");
  const Array k = file.read("k");
  const std::vector<Index>& sizes = q.sizes;
  const std::size_t rank = sizes.size();
  VOLLEY_CHECK(rank >= 2 && rank <= 4 && q.count() > 0, Fault::model,
               "array 'q' of '{}' is {}, wanted [N C], [S N C] or [T S N C]", path, text(sizes));
  VOLLEY_CHECK(k.sizes == sizes, Fault::model, "'{}': q is {} and k is {}, wanted one shape", path,
               text(sizes), text(k.sizes));
  check_finite(q, "q", path);
  check_finite(k, "k", path);
  Currents currents{path,
                    rank == 4 ? sizes[0] : 1,
                    rank >= 3 ? sizes[rank - 3] : 1,
                    sizes[rank - 2],
                    sizes[rank - 1],
                    *options.heads,
                    options.threshold.value_or(1),
                    as_floats(q),
                    as_floats(k)};
  repeat_steps(currents, options.repeat);
  return {currents};
}

// Entries of a row over their mean size: 1 is uniform attention; rows of zeros have none.
constexpr double histogram_first = -4, histogram_last = 8;
constexpr Index histogram_bins = 48;

// A picture of all is not readable; the table has them.
constexpr std::string_view drawn[] = {"softmax",
                                      "ssa",
                                      "bsa_binary_shiftmax",
                                      "bsa_ternary_none",
                                      "bsa_ternary_softmax",
                                      "bsa_ternary_shiftmax",
                                      "cat",
                                      "dssa"};

void add_weights(Histogram& histogram, const Matrix& map) {
  for (Index i = 0; i < map.rows; ++i) {
    double size = 0;
    for (Index j = 0; j < map.columns; ++j) {
      size += std::abs(map(i, j)) / static_cast<double>(map.columns);
    }
    for (Index j = 0; j < map.columns && size > 0; ++j) {
      histogram.add(map(i, j) / size);
    }
  }
}

struct Tables {
  Table maps{"maps",
             {{"layer", "layer"},
              {"mechanism", "mechanism"},
              {"cosine", "cosine", 3},
              {"kl_divergence_bits", "KL [bits]", 3},
              {"jensen_shannon_bits", "JS [bits]", 3},
              {"rank_correlation", "rank corr.", 3},
              {"entropy_bits", "entropy [bits]", 2},
              {"row_sum_mean", "row sum", 3},
              {"row_sum_least", "least", 3},
              {"row_sum_greatest", "greatest", 3},
              {"zero_entries_percent", "zero entries %", 1},
              {"zero_rows_percent", "zero rows %", 1},
              {"negative_rows_percent", "negative rows %", 1},
              {"flat_rows_percent", "flat rows %", 1}},
             {}};
  Table histograms{"histograms",
                   {{"layer", "layer"},
                    {"mechanism", "mechanism"},
                    {"weight_over_mean_size", "weight / mean size", 3},
                    {"share", "share", 6}},
                   {}};
  Table layers{"layers",
               {{"layer", "layer"},
                {"threshold", "threshold", 3},
                {"binary_rate_spikes_per_step", "binary rate", 4},
                {"ternary_rate_spikes_per_step", "ternary rate", 4}},
               {}};
  Curves picture{"Weights of attention maps",
                 "weight over the mean size of its row (1: uniform)",
                 "share of entries",
                 false,
                 true,
                 {}};
};

Cell cell(const Mean& mean) {
  return mean.mean() ? Cell(*mean.mean()) : Cell();
}

// Nothing where fewer than half of the rows are a distribution: it would be of the others alone.
Cell of_most(const Mean& mean, Index rows) {
  return 2 * mean.count >= rows ? cell(mean) : Cell();
}

void add_mechanism(Tables& tables, const FidelityOptions& options, const LayerMaps& softmax,
                   const std::string& mechanism, const LayerMaps& maps, bool in_picture) {
  MapDistance all;
  Histogram histogram(histogram_first, histogram_last, histogram_bins);
  for (Index sample = 0; sample < maps.samples; ++sample) {
    for (Index head = 0; head < maps.heads; ++head) {
      const Matrix map = matrix_of(maps, {}, sample, head);
      all += distance_between(matrix_of(softmax, {}, sample, head), map, options.floor);
      add_weights(histogram, map);
    }
  }
  const auto percent = [&](Index part, Index of) {
    return 100 * static_cast<double>(part) / static_cast<double>(of);
  };
  tables.maps.rows.push_back({softmax.name, mechanism, cell(all.cosine), of_most(all.divergence, all.rows),
                              of_most(all.jensen_shannon, all.rows), cell(all.rank),
                              of_most(all.entropy, all.rows), cell(all.row_sum), all.least_sum,
                              all.greatest_sum, percent(all.zero_entries, all.entries),
                              percent(all.zero_rows, all.rows), percent(all.negative_rows, all.rows),
                              percent(all.flat_rows, all.rows)});
  Curve curve{mechanism, {}, {}, {}};
  for (Index bin = 0; bin < histogram.bins(); ++bin) {
    tables.histograms.rows.push_back({softmax.name, mechanism, histogram.middle(bin), histogram.share(bin)});
    const bool is_rim = bin == 0 || bin + 1 == histogram.bins();  // holds all that lies outside
    if (histogram.share(bin) > 0 && !is_rim) {
      curve.x.push_back(histogram.middle(bin));
      curve.y.push_back(histogram.share(bin));
    }
  }
  if (in_picture && std::ranges::find(drawn, mechanism) != std::end(drawn)) {
    tables.picture.curves.push_back(std::move(curve));
  }
}

void fidelity_command(const FidelityOptions& options) {
  VOLLEY_CHECK(options.repeat >= 1, Fault::usage, "--repeat is {}, wanted 1 or more", options.repeat);
  Report report{"volley.analyze.fidelity/1", {}, {}, {}};
  Tables tables;
  const auto layers = options.source.is_file() ? currents_of_file(options) : currents_of_model(options);
  report.facts = {{"source", options.source.source},
                  {"input", options.source.run.input},
                  {"steps", layers.front().steps},
                  {"samples", layers.front().samples},
                  {"heads", layers.front().heads},
                  {"tokens", layers.front().tokens},
                  {"entropy_of_uniform_bits", std::log2(static_cast<double>(layers.front().tokens))},
                  {"kl_floor", options.floor}};
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const FidelityMaps maps = fidelity_maps(layers[l], options.chunk);
    const bool last = l + 1 == layers.size();
    tables.layers.rows.push_back({layers[l].name, layers[l].threshold, maps.binary_rate, maps.ternary_rate});
    add_mechanism(tables, options, maps.softmax, "softmax", maps.softmax, last);
    for (const MechanismMaps& each : maps.mechanisms) {
      add_mechanism(tables, options, maps.softmax, each.mechanism, each.maps, last);
    }
    for (const std::string& why : maps.left_out) {
      report.remarks.push_back(fmt::format("{}: left out, {}", layers[l].name, why));
    }
  }
  report.tables = {std::move(tables.layers), std::move(tables.maps)};
  if (options.histograms) {
    report.tables.push_back(std::move(tables.histograms));
  }
  report.remarks.push_back(
      "maps are means over the steps; KL is of softmax to the map, whose rows are mixed with the uniform "
      "row");
  report.remarks.push_back(
      "without a map between tokens: attention.sdsa1 (column sums), attention.channel_sum, attention.primal");
  if (!options.picture.empty()) {
    tables.picture.title += " of " + layers.back().name;
    write_curves(options.picture, tables.picture);
  }
  print(report, options.format);
}

}  // namespace

void add_analyze_fidelity(CLI::App& analyze, Run& chosen) {
  auto options = std::make_shared<FidelityOptions>();
  CLI::App* command =
      analyze.add_subcommand("fidelity", "maps of every mechanism beside softmax, from the same currents");
  add_map_options(*command, options->source);
  command->get_option("source")->description(
      "MODEL, or CURRENTS.npz with 'q' and 'k': [N C], [S N C] or [T S N C]");
  command->add_option("--heads", options->heads, "heads; of a file always, of a model by default its own");
  command->add_option("--threshold", options->threshold,
                      "of the spikes; default: that of the layer's own neuron, else 1 [current]");
  command->add_option("--repeat", options->repeat, "steps that a current without steps is given for")
      ->capture_default_str();
  command->add_option("--chunk", options->chunk, "of statten [steps]")->capture_default_str();
  command
      ->add_option("--floor", options->floor,
                   "of KL: share of the uniform row in what is held against softmax")
      ->capture_default_str();
  command->add_flag("--histograms", options->histograms, "a table of the weights' distribution too");
  add_picture_option(*command, options->picture, "distribution of the weights, of the last layer");
  add_format_option(*command, options->format);
  command->footer("Example: volley analyze fidelity examples/digits/bsa.txtpb -i digits --samples 0:100");
  command->callback([options, &chosen] { chosen = [options] { fidelity_command(*options); }; });
}

}  // namespace volley::cli
