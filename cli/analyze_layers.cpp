// Runs models and reads what their attention nodes do.
#include "cli/analyze_layers.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "attention/cat.hpp"
#include "cli/primal_matrices.hpp"
#include "sim/base/check.hpp"

namespace volley::cli {
namespace {

Port source_of(const Graph& graph, NodeId node, std::size_t slot) {
  return graph.in_edges(node)[slot].from;
}

// What has to be recorded of a node, and how its matrices follow.
class Layer {
 public:
  Layer(const Graph& graph, NodeId node, Wanted wanted) : graph_(&graph), node_(node) {
    const Operator& op = graph.op(node);
    const auto names = op.output_names();
    const auto score = std::ranges::find(names, "score");
    if (score != names.end()) {
      ports_ = {{node, static_cast<std::size_t>(score - names.begin())}};
    } else if (cat() != nullptr) {
      add_inputs();
    } else if (wanted == Wanted::matrices && is_primal(op)) {
      add_inputs();
      for (std::size_t output = 1; output <= 3; ++output) {  // e, r, objective
        ports_.push_back({node, output});
      }
    }
  }

  bool has_matrices() const { return !ports_.empty(); }
  const std::vector<Port>& ports() const { return ports_; }
  const std::string& name() const { return graph_->node_name(node_); }

  std::vector<LayerMatrices> matrices(const Collector& collector) const {
    std::vector<LayerMatrices> all;
    if (cat() != nullptr) {
      all.push_back({circulant(collector), "A", {}, {}});
    } else if (is_primal(graph_->op(node_))) {
      all = kernel(collector);
    } else {
      all.push_back({score(collector), "A", {}, {}});
    }
    for (LayerMatrices& each : all) {
      each.maps.op = graph_->op(node_).kind();
    }
    return all;
  }

 private:
  const CatAttention* cat() const { return dynamic_cast<const CatAttention*>(&graph_->op(node_)); }

  void add_inputs() {
    for (std::size_t slot = 0; slot < graph_->in_edges(node_).size(); ++slot) {
      ports_.push_back(source_of(*graph_, node_, slot));
    }
  }

  LayerMaps score(const Collector& collector) const {
    const Tensor& value = collector.values().at(ports_[0]);
    const Shape& shape = value.shape();
    LayerMaps maps;
    maps.name = name();
    maps.steps = shape[Axis::T];
    maps.samples = shape[Axis::B];
    maps.heads = shape.size_or(Axis::H, 1);
    maps.rows = shape[Axis::N];
    maps.columns = shape[Axis::M];
    const std::vector<float> floats = as_floats(array_of(value));
    maps.numbers.assign(floats.begin(), floats.end());
    return maps;
  }

  LayerMaps circulant(const Collector& collector) const {
    const RecordedTokens z = recorded_tokens(collector, ports_[0]);
    const bool masked = ports_.size() > CatAttention::key_mask_slot;
    const RecordedTokens mask =
        masked ? recorded_tokens(collector, ports_[CatAttention::key_mask_slot]) : RecordedTokens{};
    LayerMaps maps = empty_maps(name(), z, cat()->heads(), z.tokens);
    CatRows rows;
    for_each_map(maps, [&](Index step, Index sample, Index head) {
      rows.prepare(*cat(), {z.row(step, sample, 0) + head, z.channels, z.tokens,
                            masked ? mask.row(step, sample, 0) : nullptr});
      for (Index i = 0; i < z.tokens; ++i) {
        const auto row = rows.row(i);
        maps.numbers.insert(maps.numbers.end(), row.begin(), row.end());
        maps.numbers.resize(maps.numbers.size() + static_cast<std::size_t>(z.tokens) - row.size());
      }
    });
    return maps;
  }

  std::vector<LayerMatrices> kernel(const Collector& collector) const {
    PrimalRecord record;
    const std::size_t outputs = ports_.size() - 3;
    for (std::size_t slot = 0; slot < outputs; ++slot) {
      record.in.push_back(recorded_tokens(collector, ports_[slot]));
    }
    record.e = recorded_tokens(collector, ports_[outputs]);
    record.r = recorded_tokens(collector, ports_[outputs + 1]);
    record.objective = as_floats(array_of(collector.values().at(ports_[outputs + 2])));
    return primal_matrices(graph_->op(node_), name(), record);
  }

  const Graph* graph_;
  NodeId node_;
  std::vector<Port> ports_;
};

std::vector<Layer> wanted_layers(const Graph& graph, const MapOptions& options, Wanted wanted) {
  std::vector<Layer> all;
  std::string list;
  for (const NodeId node : graph.order()) {
    Layer layer(graph, node, wanted);
    if (layer.has_matrices()) {
      list += (list.empty() ? "" : ", ") + layer.name();
      all.push_back(std::move(layer));
    }
  }
  VOLLEY_CHECK(!all.empty(), Fault::model, "{}: no node has an attention map", options.source);
  for (const std::string& name : options.layers) {
    VOLLEY_CHECK(std::ranges::any_of(all, [&](const Layer& layer) { return layer.name() == name; }),
                 Fault::usage, "'{}' of {} has no attention map; those that have: {}", name, options.source,
                 list);
  }
  std::erase_if(all, [&](const Layer& layer) {
    return !options.layers.empty() && std::ranges::find(options.layers, layer.name()) == options.layers.end();
  });
  return all;
}

}  // namespace

void add_source_options(CLI::App& app, SourceOptions& options) {
  app.add_option("source", options.sources,
                 "one or more MODEL, or MAPS.npz: [N M], [H N M], [S H N M] or [T S H N M], rows are queries")
      ->required();
  app.add_option("--layer,--array", options.layers,
                 "attention nodes of the models, or arrays of the files; default all that have a map")
      ->delimiter(',');
  add_run_options(app, options.run);
  app.get_option("--input")->required(false);
}

std::string short_name(const SourceOptions& options, const std::string& source) {
  const auto stem = [](const std::string& path) { return std::filesystem::path(path).stem().string(); };
  const auto same = std::ranges::count_if(
      options.sources, [&](const std::string& other) { return stem(other) == stem(source); });
  return same > 1 ? source : stem(source);
}

std::vector<LayerMatrices> run_layer_matrices(Session& session, const MapOptions& options, Wanted wanted,
                                              Recorder* beside) {
  const std::vector<Layer> layers = wanted_layers(session.model.graph, options, wanted);
  std::set<Port> ports;
  for (const Layer& layer : layers) {
    ports.insert(layer.ports().begin(), layer.ports().end());
  }
  session.settings.recorded.insert(ports.begin(), ports.end());
  Collector collector(ports, session.settings.first, session.samples());
  std::vector<Recorder*> listeners{&collector};
  if (beside != nullptr) {
    listeners.push_back(beside);
  }
  Recorders all(listeners);
  run_model(session.runtime, session.model, session.data, session.settings, all, progress_on_stderr("run"));
  std::vector<LayerMatrices> matrices;
  for (const Layer& layer : layers) {
    for (LayerMatrices& each : layer.matrices(collector)) {
      matrices.push_back(std::move(each));
    }
  }
  return matrices;
}

std::vector<LayerMatrices> read_layer_matrices(const MapOptions& options, Wanted wanted) {
  std::vector<LayerMatrices> matrices;
  if (options.is_file()) {
    for (LayerMaps& maps : read_layer_maps(options)) {
      matrices.push_back({std::move(maps), "A", {}, {}});
    }
    return matrices;
  }
  VOLLEY_CHECK(!options.run.input.empty(), Fault::usage, "{}: a model needs --input DATA", options.source);
  Session session = open_session(options.source, options.run);
  return run_layer_matrices(session, options, wanted);
}

Matrix matrix_of(const LayerMaps& maps, std::optional<Index> step, Index sample, Index head) {
  Matrix out = zero_matrix(maps.rows, maps.columns);
  const Index first = step.value_or(0);
  const Index end = step ? *step + 1 : maps.steps;
  for (Index t = first; t < end; ++t) {
    const double* from =
        maps.numbers.data() + ((t * maps.samples + sample) * maps.heads + head) * maps.rows * maps.columns;
    for (std::size_t i = 0; i < out.numbers.size(); ++i) {
      out.numbers[i] += from[i] / static_cast<double>(end - first);
    }
  }
  return out;
}

Matrix head_mean(const LayerMaps& maps, Index sample) {
  Matrix mean = matrix_of(maps, {}, sample, 0);
  for (Index head = 1; head < maps.heads; ++head) {
    const Matrix other = matrix_of(maps, {}, sample, head);
    for (std::size_t i = 0; i < mean.numbers.size(); ++i) {
      mean.numbers[i] += other.numbers[i];
    }
  }
  for (double& number : mean.numbers) {
    number /= static_cast<double>(maps.heads);
  }
  return mean;
}

}  // namespace volley::cli
