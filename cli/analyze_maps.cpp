// Attention maps of a model's run or of an .npz file.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>

#include "analysis/picture.hpp"
#include "cli/analyze.hpp"
#include "sim/base/check.hpp"
#include "sim/io/npz.hpp"

namespace volley::cli {
namespace {

std::vector<double> as_doubles(const Array& array) {
  std::vector<double> numbers(static_cast<std::size_t>(array.count()));
  if (array.type == NumberType::f64) {
    std::memcpy(numbers.data(), array.bytes.data(), array.bytes.size());
    return numbers;
  }
  const std::vector<float> floats = as_floats(array);
  return {floats.begin(), floats.end()};
}

LayerMaps as_maps(const std::string& name, const Array& array, const std::string& where) {
  const std::vector<Index>& sizes = array.sizes;
  const std::size_t rank = sizes.size();
  VOLLEY_CHECK(rank >= 2 && rank <= 5 && array.count() > 0, Fault::model,
               "array '{}' of '{}' is {}, wanted [N N], [H N N], [S H N N] or [T S H N N]", name, where,
               text(sizes));
  check_finite(array, name, where);
  LayerMaps maps;
  maps.name = name;
  maps.columns = sizes[rank - 1];
  maps.rows = sizes[rank - 2];
  maps.heads = rank >= 3 ? sizes[rank - 3] : 1;
  maps.samples = rank >= 4 ? sizes[rank - 4] : 1;
  maps.steps = rank == 5 ? sizes[0] : 1;
  maps.numbers = as_doubles(array);
  return maps;
}

std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    list += (list.empty() ? "" : ", ") + name;
  }
  return list;
}

std::vector<LayerMaps> maps_of_file(const MapOptions& options) {
  const NpzFile file(options.source);
  const auto all = file.names();
  std::vector<std::string> wanted = options.layers;
  if (wanted.empty()) {
    wanted.assign(all.begin(), all.end());
  }
  std::vector<LayerMaps> maps;
  for (const std::string& name : wanted) {
    VOLLEY_CHECK(std::ranges::find(all, name) != all.end(), Fault::usage,
                 "'{}' has no array '{}'; it holds: {}", options.source, name,
                 listed({all.begin(), all.end()}));
    maps.push_back(as_maps(name, file.read(name), options.source));
  }
  return maps;
}

std::vector<Port> wanted_ports(const Graph& graph, const MapOptions& options) {
  const std::vector<Port> all = score_ports(graph);
  VOLLEY_CHECK(!all.empty(), Fault::model, "{}: no node has an attention map (an output 'score')",
               options.source);
  if (options.layers.empty()) {
    return all;
  }
  std::vector<std::string> names;
  for (const Port port : all) {
    names.push_back(graph.node_name(port.node));
  }
  std::vector<Port> ports;
  for (const std::string& layer : options.layers) {
    const std::string node = layer.substr(0, layer.find(':'));
    const auto found = std::ranges::find(names, node);
    VOLLEY_CHECK(found != names.end(), Fault::usage, "'{}' has no attention map; those that have: {}", layer,
                 listed(names));
    ports.push_back(all[found - names.begin()]);
  }
  return ports;
}

std::vector<LayerMaps> maps_of_model(const MapOptions& options) {
  VOLLEY_CHECK(!options.run.input.empty(), Fault::usage, "a model needs --input DATA (and MAPS needs .npz)");
  Session session = open_session(options.source, options.run);
  const Graph& graph = session.model.graph;
  const std::vector<Port> ports = wanted_ports(graph, options);
  session.settings.recorded.insert(ports.begin(), ports.end());
  Collector collector(session.settings.recorded, session.settings.first, session.samples());
  run_model(session.runtime, session.model, session.data, session.settings, collector,
            progress_on_stderr("run"));
  std::vector<LayerMaps> maps;
  for (const Port port : ports) {
    maps.push_back(
        as_maps(graph.node_name(port.node), array_of(collector.values().at(port)), options.source));
    maps.back().op = graph.op(port.node).kind();
  }
  return maps;
}

}  // namespace

SquareMatrix LayerMaps::step_map(Index step, Index sample, Index head) const {
  VOLLEY_CHECK(rows == columns, Fault::model, "the map '{}' is {} x {}, wanted as many rows as columns", name,
               rows, columns);
  const auto first = numbers.begin() + ((step * samples + sample) * heads + head) * rows * columns;
  return {rows, std::vector<double>(first, first + rows * columns)};
}

SquareMatrix LayerMaps::mean_over_steps(Index sample, Index head) const {
  SquareMatrix mean = step_map(0, sample, head);
  for (Index step = 1; step < steps; ++step) {
    const SquareMatrix map = step_map(step, sample, head);
    for (std::size_t i = 0; i < map.numbers.size(); ++i) {
      mean.numbers[i] += map.numbers[i];
    }
  }
  for (double& number : mean.numbers) {
    number /= static_cast<double>(steps);
  }
  return mean;
}

std::vector<Port> score_ports(const Graph& graph) {
  std::vector<Port> ports;
  for (const NodeId node : graph.order()) {
    const auto names = graph.op(node).output_names();
    const auto at = std::ranges::find(names, "score");
    if (at != names.end()) {
      ports.push_back({node, static_cast<std::size_t>(at - names.begin())});
    }
  }
  return ports;
}

std::vector<LayerMaps> read_layer_maps(const MapOptions& options) {
  return options.is_file() ? maps_of_file(options) : maps_of_model(options);
}

LayerMaps read_deepest_maps(const MapOptions& options) {
  if (options.is_file() && options.layers.empty()) {
    const auto names = NpzFile(options.source).names();
    VOLLEY_CHECK(names.size() == 1, Fault::usage, "'{}' holds {} arrays, name one with --layer: {}",
                 options.source, names.size(), listed({names.begin(), names.end()}));
  }
  std::vector<LayerMaps> all = read_layer_maps(options);
  return std::move(all.back());
}

void add_map_options(CLI::App& app, MapOptions& options) {
  app.add_option("source", options.source,
                 "MODEL, or MAPS.npz: [N N], [H N N], [S H N N] or [T S H N N], rows are queries")
      ->required();
  app.add_option("--layer,--array", options.layers,
                 "attention nodes of MODEL, or arrays of MAPS.npz; default all")
      ->delimiter(',');
  add_run_options(app, options.run);
  app.get_option("--input")->required(false);
}

void add_picture_option(CLI::App& app, std::string& path, const std::string& what, const std::string& name) {
  app.add_option(name, path, what + ": FILE.svg or FILE.png")->check([](const std::string& file) {
    try {
      check_picture_path(file);
      return std::string();
    } catch (const Error& error) {
      return std::string(error.what());
    }
  });
}

}  // namespace volley::cli
